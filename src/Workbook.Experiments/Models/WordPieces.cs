using Microsoft.ML.Tokenizers;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>The vocabulary of an encoder of BERT: turns sentences into the numbers of their word pieces.</summary>
public sealed class WordPieces
{
    private static readonly string[] s_special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

    private readonly BertTokenizer _tokenizer;
    private readonly int _longest;

    private WordPieces(BertTokenizer tokenizer, int longest) => (_tokenizer, _longest) = (tokenizer, longest);

    /// <summary>Reads a <c>vocab.txt</c>, a piece on each line.</summary>
    /// <param name="path">The file.</param>
    /// <param name="encoder">Whose vocabulary it is.</param>
    /// <exception cref="WorkbookException">It can't be read, is none of BERT's, or has more or fewer pieces than the encoder knows.</exception>
    public static WordPieces Read(string path, BertEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(encoder);
        try
        {
            Native.FileKind.RequireFile(Path.GetFullPath(path), "read");
            string[] pieces = File.ReadAllLines(path);
            if (pieces.Length != encoder.Words)
            {
                throw new WorkbookException($"{path} has {pieces.Length:N0} word pieces, the encoder {encoder.Words:N0}: it is another network's vocabulary, "
                    + "name that of this one");
            }

            if (s_special.FirstOrDefault(piece => !pieces.Contains(piece)) is { } missing || pieces[0] != "[PAD]")
            {
                throw new WorkbookException($"{path} is no vocabulary of BERT's with [PAD] in its first line, and [UNK], [CLS] and [SEP]: name the "
                    + "vocab.txt of the encoder");
            }

            using FileStream stream = File.OpenRead(path);
            return new(BertTokenizer.Create(stream), encoder.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or InvalidDataException)
        {
            throw new WorkbookException($"can't read {path}: {e.Message}", e);
        }
    }

    /// <summary>Turns sentences into numbers, a row for each, with zeros behind its end.</summary>
    /// <param name="sentences">At least one, none of them empty.</param>
    /// <param name="report">Gets a line about sentences that are cut, since the encoder takes no longer ones.</param>
    /// <returns>Int64 [sentences, tokens of the longest].</returns>
    /// <exception cref="WorkbookException">A sentence is empty, or there is none.</exception>
    public Tensor Encode(IReadOnlyList<string> sentences, Action<string>? report = null)
    {
        ArgumentNullException.ThrowIfNull(sentences);
        int empty = sentences.Count == 0 ? 0 : sentences.ToList().FindIndex(string.IsNullOrWhiteSpace);
        if (empty >= 0)
        {
            throw new WorkbookException(sentences.Count == 0 ? "there are no sentences to encode" : $"sentence {empty} is empty: leave it out");
        }

        int[][] rows = [.. sentences.Select(s => _tokenizer.EncodeToIds(s).ToArray())];
        int[] cut = [.. rows.Index().Where(r => r.Item.Length > _longest).Select(r => r.Index)];
        if (cut.Length > 0)
        {
            report?.Invoke($"{cut.Length} of {rows.Length} sentences are longer than {_longest} tokens and cut there, the first of them sentence {cut[0]}");
        }

        int width = Math.Min(_longest, rows.Max(r => r.Length));
        long[] ids = new long[rows.Length * width];
        foreach ((int i, int[] row) in rows.Index())
        {
            int length = Math.Min(row.Length, width);
            for (int j = 0; j < length; j++)
            {
                // What is cut ends as every sentence does.
                ids[(i * width) + j] = j == length - 1 ? row[^1] : row[j];
            }
        }

        return from_array(ids).reshape(rows.Length, width);
    }
}
