using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Workbook.Training;

namespace Workbook.Runs;

/// <summary>
/// Everything that a training's result depends on. Two records with equal contents are the same training, and have the
/// same <see cref="Hash"/>.
/// </summary>
public sealed record RunRecord
{
    /// <summary>How records and results are written: numbers that are not finite as texts, enumerations by name.</summary>
    internal static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>What is hashed: values that are null, 0 or false are left out, so that a property that comes later changes no earlier hash.</summary>
    private static readonly JsonSerializerOptions s_canonical = new(Json) { WriteIndented = false, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    /// <summary>The network: its type, and the shapes of its parameters.</summary>
    public required string Model { get; init; }

    /// <summary>Where the first weights come from, in words: an initializer, or the run that they were rewound from.</summary>
    public string Initialization { get; init; } = "as given";

    /// <summary>SHA-256 of the first weights and buffers, names and shapes included, and of what the model answers with them.</summary>
    public required string StartHash { get; init; }

    /// <summary>The training set, in words.</summary>
    public required string Data { get; init; }

    /// <summary>SHA-256 of the training set's tensors.</summary>
    public required string DataHash { get; init; }

    /// <summary>Where the mask comes from, in words.</summary>
    public string Mask { get; init; } = "none";

    /// <summary>SHA-256 of the mask; null where all weights are trained.</summary>
    public string? MaskHash { get; init; }

    /// <summary>Optimizer, batch size, epochs and learning-rate schedule.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>The seed of the order of the examples.</summary>
    public required int Seed { get; init; }

    /// <summary>Versions of this library and of torch: another one may train otherwise.</summary>
    public string Version { get; init; } = LibraryVersion;

    /// <summary>Whatever else the result depends on, name → value, e.g. a schedule that changes the mask.</summary>
    public IReadOnlyDictionary<string, string> More { get; init; } = new Dictionary<string, string>();

    /// <summary>Versions of the library that runs now and of its torch.</summary>
    public static string LibraryVersion { get; } = $"Workbook {VersionOf(typeof(RunRecord).Assembly)}, torch {TorchSharp.torch.__version__}";

    /// <summary>The record's name: the first 20 hexadecimal digits of the SHA-256 of its contents.</summary>
    [JsonIgnore]
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(Sorted, s_canonical))))[..20];

    /// <summary>E.g. <c>LeNet300100, MNIST, seed 3, iterative magnitude pruning</c>.</summary>
    public override string ToString() => $"{Model}, {Data}, seed {Seed}{(MaskHash is null ? "" : $", mask: {Mask}")}";

    private RunRecord Sorted => this with { More = new SortedDictionary<string, string>(More.ToDictionary(), StringComparer.Ordinal) };

    private static string VersionOf(Assembly assembly) =>
        (assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown").Split('+')[0];
}
