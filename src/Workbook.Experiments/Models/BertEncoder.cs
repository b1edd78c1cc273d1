using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// The encoder of BERT (Devlin et al. 2019), under the names of PyTorch's: tokens, positions and a segment are embedded, then blocks with their norms last.
/// Where it has a classifier, the first token, pooled, goes there.
/// </summary>
public sealed class BertEncoder : nn.Module<Tensor, Tensor>
{
    /// <summary>Added to the attention to what is no token; no infinity, since a text may consist of nothing else.</summary>
    private const double Hidden = -10_000;

    private readonly BertEmbeddings embeddings;
    private readonly Blocks encoder;
    private readonly BertLayer.Dense pooler;
    private readonly Linear? classifier;

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="words">Of the vocabulary.</param>
    /// <param name="length">The most tokens of a text.</param>
    /// <param name="width">Of the stream, a multiple of <paramref name="heads"/>.</param>
    /// <param name="depth">How many blocks.</param>
    /// <param name="heads">Of each attention.</param>
    /// <param name="classes">Of the classifier; null for none.</param>
    /// <param name="initializer">By default <see cref="Initializer.GlorotNormal"/>.</param>
    public BertEncoder(int seed, int words = 1000, int length = 64, int width = 64, int depth = 2, int heads = 4, int? classes = 2,
        Initializer? initializer = null)
        : this(words, length, 2, width, width / heads, [.. Enumerable.Repeat((width, 4 * width), depth)], classes)
    {
        (initializer ?? Initializer.GlorotNormal).Apply(this, seed);
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter table) in embeddings.named_parameters().Where(p => p.parameter.dim() == 2))
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = RandomStream.Of(seed, name);
            table.copy_(randn(table.shape, generator: generator).Times(0.02));
        }
    }

    private BertEncoder(int words, int length, int segments, int width, int size, IReadOnlyList<(int Attended, int Hidden)> blocks, int? classes)
        : base(nameof(BertEncoder))
    {
        (embeddings, encoder) = (new(words, length, segments, width), new(width, size, blocks));
        (pooler, classifier) = (new(width, width), classes is { } number ? nn.Linear(width, number) : null);
        (Words, Length) = (words, length);
        RegisterComponents();
    }

    /// <summary>Of the vocabulary.</summary>
    public int Words { get; }

    /// <summary>The most tokens of a text.</summary>
    public int Length { get; }

    /// <summary>
    /// Reads a trained encoder from an ONNX file as PyTorch exports it, or from a safetensors file, and takes its sizes from there; one that this library has
    /// pruned too, without the heads and units that are gone.
    /// </summary>
    /// <param name="path">The file; which of the two it is, it says itself.</param>
    /// <param name="heads">Of each attention, before any was removed: the weights don't tell. 12 in all MiniLM and in BERT-base.</param>
    /// <returns>In evaluation mode, without a classifier.</returns>
    /// <exception cref="WorkbookException">The file can't be read, or is of another network; then the first tensor that does not fit is named.</exception>
    public static BertEncoder Load(string path, int heads = 12)
    {
        ArgumentNullException.ThrowIfNull(path);
        using BertWeights weights = BertWeights.Read(path);
        long[] words = weights.Shape("embeddings.word_embeddings.weight", -1, -1), width = [words[1]];
        if (heads < 1 || width[0] % heads != 0)
        {
            throw new WorkbookException($"{path}: a stream of {width[0]} is not divided by {heads} heads: say how many the network has");
        }

        List<(int Attended, int Hidden)> blocks = [];
        for (string block; weights.Has((block = $"encoder.layer.{blocks.Count}.") + "attention.self.query.weight");)
        {
            blocks.Add(((int)weights.Shape(block + "attention.self.query.weight", -1, width[0])[0],
                (int)weights.Shape(block + "intermediate.dense.weight", -1, width[0])[0]));
        }

        BertEncoder network = new((int)words[0], (int)weights.Shape("embeddings.position_embeddings.weight", -1, width[0])[0],
            (int)weights.Shape("embeddings.token_type_embeddings.weight", -1, width[0])[0], (int)width[0], (int)width[0] / heads, blocks, null);
        weights.CopyInto(network);
        network.eval();
        return network;
    }

    /// <param name="input">Int64 [batch, tokens], of at most the length; 0 where there is no token any more.</param>
    /// <returns>Logits [batch, classes], or without a classifier what is known of each token, [batch, tokens, width].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = embeddings.call(input);
        Tensor hidden = input.eq(HeldNumbers.Zero).to(x.dtype).Times(Hidden).view(input.shape[0], 1, 1, input.shape[1]);
        x = encoder.call(x, hidden);
        return (classifier is null ? x : classifier.call(pooler.call(x.select(1, 0)).tanh())).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Where sentences lie: the mean over what is known of their tokens, of length 1, as sentence-transformers take it (Reimers and Gurevych 2019). Sentences
    /// of like lengths go together.
    /// </summary>
    /// <param name="input">Int64 [sentences, tokens], as <see cref="WordPieces.Encode"/> makes it.</param>
    /// <param name="batchSize">Sentences at a time.</param>
    /// <returns>[sentences, width]; the product of two is their cosine.</returns>
    /// <exception cref="WorkbookException">The encoder has a classifier.</exception>
    public Tensor Embed(Tensor input, int batchSize = 32)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (classifier is not null)
        {
            throw new WorkbookException("an encoder with a classifier answers with classes: sentences are embedded by one without (classes: null)");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor lengths = input.ne(HeldNumbers.Zero).sum(1L), order = lengths.argsort();
        Tensor embedded = empty(input.shape[0], embeddings.Width);
        for (long start = 0; start < input.shape[0]; start += batchSize)
        {
            using DisposeScope batch = NewDisposeScope();
            Tensor rows = order.narrow(0, start, Math.Min(batchSize, input.shape[0] - start));
            long longest = Math.Max(1, lengths.index_select(0, rows).max().item<long>());
            Tensor ids = input.index_select(0, rows).narrow(1, 0, longest);
            Tensor real = ids.ne(HeldNumbers.Zero).to(embedded.dtype).unsqueeze(2);
            Tensor mean = call(ids).mul(real).sum([1L]).div(real.sum([1L]));
            embedded.index_copy_(0, rows, mean.div(mean.NormOf(2, [1L]).unsqueeze(1)));
        }

        return embedded.MoveToOuterDisposeScope();
    }

    /// <summary>The blocks, one after the other.</summary>
    private sealed class Blocks : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly ModuleList<BertLayer> layer;

        internal Blocks(int width, int size, IReadOnlyList<(int Attended, int Hidden)> blocks)
            : base(nameof(Blocks))
        {
            layer = nn.ModuleList([.. blocks.Select(b => new BertLayer(width, b.Attended, size, b.Hidden))]);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input, Tensor mask) => layer.Aggregate(input, (x, block) => block.call(x, mask));
    }
}
