using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Numbers that were measured, each list in a file of its own under the hash of all that it depends on: tensors by their content, networks by their weights,
/// their code and their answers to a few examples, and the library's code. Who asks for the same again gets it at once; after any edit it is measured again.
/// </summary>
internal sealed class Measurements(string store, Action<string>? report)
{
    /// <summary>The folder in a run store that is no run's.</summary>
    internal const string FolderName = "measured";

    private const int Tried = 8;
    private const long LongestFile = 1L << 28;

    private readonly string _folder = Path.Combine(store, FolderName);
    private bool _isUnwritable;

    /// <summary>What is kept.</summary>
    internal IReadOnlyList<FileInfo> Files => Directory.Exists(_folder) ? [.. new DirectoryInfo(_folder).EnumerateFiles()] : [];

    /// <summary>The numbers: at once where they are kept, else measured, and kept.</summary>
    /// <param name="what">What is measured.</param>
    /// <param name="from">All that it depends on.</param>
    /// <param name="measure">The measurement.</param>
    /// <exception cref="WorkbookException">Something of <paramref name="from"/> is of a kind that has no hash.</exception>
    internal double[] Get(string what, IReadOnlyList<object?> from, Func<double[]> measure)
    {
        LabelledTensors? data = from.OfType<LabelledTensors>().FirstOrDefault();
        string[] parts = [.. from.Select(part => HashOf(part, data))];
        string hash = Hex(string.Join('\n', [what, __version__, CodeHash.Library, .. parts]))[..20], path = Path.Combine(_folder, hash + ".json");
        if (Read(path, hash) is { } kept)
        {
            return kept;
        }

        double[] values = measure();
        Write(path, new(hash, what, parts, values, SumOf(hash, values)));
        return values;
    }

    /// <summary>SHA-256 of things of all these kinds, lower-case hex.</summary>
    /// <exception cref="WorkbookException">Something is of a kind that has no hash.</exception>
    internal static string HashOf(IReadOnlyList<object?> from) => Hex(HashOf(from, from.OfType<LabelledTensors>().FirstOrDefault()));

    private static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private double[]? Read(string path, string hash)
    {
        try
        {
            if (Native.FileKind.Odd(path) is { } odd)
            {
                throw new WorkbookException($"it is {odd}");
            }

            if (!File.Exists(path))
            {
                return null;
            }

            using FileStream stream = CheckSums.Open(path);
            Measurement? found = stream.Length <= LongestFile ? JsonSerializer.Deserialize<Measurement>(stream, RunRecord.Json) : null;
            return found?.Values is { } values && found.Hash == hash && found.Sum == SumOf(hash, values) ? values
                : throw new WorkbookException("its numbers are not as they were written");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NotSupportedException or WorkbookException)
        {
            report?.Invoke($"measurement {path} is damaged ({(e is JsonException ? "it is cut short or no JSON" : e.Message)}): it is measured again");
            return null;
        }
    }

    /// <summary>A store that can't be written keeps nobody from measuring.</summary>
    private void Write(string path, Measurement measured)
    {
        try
        {
            StoreFolder.Writing(store, () =>
            {
                StoreFolder.Prepare(store);
                Directory.CreateDirectory(_folder);
                AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(measured, RunRecord.Json));
            });
        }
        catch (WorkbookException e) when (!_isUnwritable)
        {
            _isUnwritable = true;
            report?.Invoke($"{e.Message}; what is measured is not kept");
        }
        catch (WorkbookException)
        {
            // said already
        }
    }

    private static string SumOf(string hash, double[] values) =>
        Hex(string.Join(' ', values.Select(v => v.ToString("R", CultureInfo.InvariantCulture)).Prepend(hash)))[..20];

    private static string HashOf(object? part, LabelledTensors? data)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        return part switch
        {
            null => "null",
            string text => JsonSerializer.Serialize(text),
            LabelledTensors examples => examples.Hash,
            Mask mask => ContentHash.Of(mask),
            nn.Module network => string.Join(' ', ContentHash.Of(network.state_dict()), KindOf(network), AnswersOf(network, data)),
            Tensor tensor => ContentHash.Of([KeyValuePair.Create("", tensor)]),
            Delegate code => CodeHash.Of(code),
            bool value => value.ToString(),
            IFormattable value when value.GetType().IsPrimitive || value is Enum =>
                $"{value.GetType().Name} {value.ToString(null, CultureInfo.InvariantCulture)}",
            System.Collections.IEnumerable many => $"[{string.Join(", ", many.Cast<object?>().Select(one => HashOf(one, data)))}]",
            _ => throw new WorkbookException($"a {part.GetType().Name} has no hash by which a measurement could be kept: name the tensors, networks, texts, "
                + "numbers and functions that it is made of"),
        };
    }

    /// <summary>The classes of all its modules, and their code where it is a notebook's.</summary>
    private static string KindOf(nn.Module network)
    {
        Type[] types = [.. network.named_modules().Select(m => m.module).Prepend(network).Select(m => m.GetType())];
        return $"{string.Join(' ', types.Select(t => t.Name))} {CodeHash.Of(types.Distinct())}";
    }

    /// <summary>What no weight and no code says, a stride or a module's own field, shows in what it answers.</summary>
    private static string AnswersOf(nn.Module network, LabelledTensors? data)
    {
        if (network is not nn.Module<Tensor, Tensor> model || data is null || data.Count == 0)
        {
            return "";
        }

        using ModelGuard guard = new(model, training: false);
        using IDisposable noGrad = no_grad();
        try
        {
            return ContentHash.Of([KeyValuePair.Create("", model.Answer(data.Inputs.narrow(0, 0, Math.Min(Tried, data.Count))))]);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return "no answer to so few"; // where the measurement can't be made either, it says so itself
        }
    }

    private sealed record Measurement(string Hash, string What, IReadOnlyList<string> From, double[] Values, string Sum);
}
