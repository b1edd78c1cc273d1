using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Workbook;

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
    private static readonly JsonSerializerOptions s_canonical =
        new(Json) { WriteIndented = false, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    /// <summary>The network: its type, and the shapes of its parameters.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 of the first weights and buffers, names and shapes included.</summary>
    public required string StartHash { get; init; }

    /// <summary>The training set, in words.</summary>
    public required string Data { get; init; }

    /// <summary>SHA-256 of the training set's tensors.</summary>
    public required string DataHash { get; init; }

    /// <summary>SHA-256 of the mask; null where all weights are trained.</summary>
    public string? MaskHash { get; init; }

    /// <summary>Optimizer, batch size, epochs and learning-rate schedule.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>The seed of the order of the examples.</summary>
    public required int Seed { get; init; }

    /// <summary>The version of torch: another one may train otherwise.</summary>
    public string Torch { get; init; } = TorchSharp.torch.__version__;

    /// <summary>The version of this library, which only says where the run comes from: what it computes is <see cref="Behaviour"/>.</summary>
    public string Version { get; init; } = LibraryVersion;

    /// <summary>
    /// What library and model compute, on a training of a few steps (<see cref="Workbook.Behaviour"/>): no part of the hash, since it is
    /// the same only up to rounding. Null where nobody has tried.
    /// </summary>
    public Behaviour? Behaviour { get; init; }

    /// <summary>Whatever else the result depends on, name → value: what the parts of the training say of themselves, a schedule that changes the
    /// mask.</summary>
    public IReadOnlyDictionary<string, string> More { get; init; } = new Dictionary<string, string>();

    /// <summary>The version of the library that runs now.</summary>
    public static string LibraryVersion { get; } =
        (typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown").Split('+')[0];

    /// <summary>The record's name: the first 20 hexadecimal digits of the SHA-256 of its contents.</summary>
    [JsonIgnore]
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(Sorted, s_canonical))))[..20];

    /// <summary>E.g. <c>LeNet300100, MNIST, seed 3, masked</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Model}, {Data}, seed {Seed}{(MaskHash is null ? "" : ", masked")}");

    private RunRecord Sorted => this with
    {
        More = new SortedDictionary<string, string>(More.ToDictionary(), StringComparer.Ordinal),
        Version = "",
        Behaviour = null
    };
}
