using System.Reflection;
using TorchSharp;
using Xunit;

namespace Workbook.Cli.Tests.Rules;

/// <summary>
/// A number that libtorch reads is held: TorchSharp makes a <see cref="Scalar"/> of it that a garbage collection on another thread may free before it is
/// read; of some it makes one itself, as the factor 1 of a sum. Rare, and then a wrong number: no test of the answers finds it.
/// </summary>
public sealed class NumberRules
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
    private const byte Call = 0x28, CallVirtual = 0x6F;

    private static readonly Lazy<HashSet<MethodBase>> s_loose = new(() => Loose(typeof(Scalar).Assembly));

    public static TheoryData<string> Libraries => [.. Projects.Names];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Numbers_are_held_while_libtorch_reads_them(string project) => Assert.Equal("", string.Join('\n', Passing(Projects.AssemblyOf(project))));

    [Fact]
    public void A_number_that_nothing_holds_is_found()
    {
        IEnumerable<string> here = Passing(typeof(NumberRules).Assembly).Where(m => m.StartsWith(nameof(NumberRules), StringComparison.Ordinal));
        Assert.Equal([$"{nameof(NumberRules)}.{nameof(Added)}", $"{nameof(NumberRules)}.{nameof(Forgotten)}", $"{nameof(NumberRules)}.{nameof(Multiplied)}"],
            here.Select(m => m.Split(' ')[0]).Order(StringComparer.Ordinal));
    }

    private static torch.Tensor Added(torch.Tensor tensor) => tensor + tensor;

    private static torch.Tensor Forgotten(torch.Tensor tensor) => tensor.mul(2);

    private static torch.Tensor Multiplied(torch.Tensor tensor) => tensor * 0.5;

    private static torch.Tensor Remembered(torch.Tensor tensor)
    {
        using Scalar two = 2;
        return tensor.mul(two);
    }

    /// <summary>The methods of an assembly that make a Scalar and keep it in no variable, or call one of TorchSharp's that does.</summary>
    private static IEnumerable<string> Passing(Assembly assembly) => Methods(assembly).SelectMany(method => Calls(method)
        .Where(call => (Makes(call.Called) && !call.IsKept) || s_loose.Value.Contains(call.Called))
        .Select(call => $"{method.DeclaringType!.Name}.{method.Name} calls {call.Called.DeclaringType!.Name}.{call.Called.Name}"));

    private static HashSet<MethodBase> Loose(Assembly torchSharp)
    {
        (MethodBase Method, (MethodBase Called, bool IsKept)[] Calls)[] all = [.. Methods(torchSharp)
            .Where(m => m.DeclaringType != typeof(Scalar) && m.DeclaringType != typeof(ScalarExtensionMethods)).Select(m => (m, Calls(m).ToArray()))];
        HashSet<MethodBase> loose = [.. all.Where(m => m.Calls.Any(call => Makes(call.Called) && !call.IsKept)).Select(m => m.Method)];
        for (int before = 0; before != loose.Count;)
        {
            before = loose.Count;
            loose.UnionWith(all.Where(m => m.Calls.Any(call => loose.Contains(call.Called))).Select(m => m.Method).ToArray());
        }

        return loose;
    }

    private static IEnumerable<MethodBase> Methods(Assembly assembly) =>
        assembly.GetTypes().SelectMany(type => type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)));

    /// <summary>What a method's code calls, and whether it puts the answer into a variable.</summary>
    private static IEnumerable<(MethodBase Called, bool IsKept)> Calls(MethodBase method)
    {
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (int i = 0; i + 5 < code.Length; i++)
        {
            if (code[i] is Call or CallVirtual && Called(method, BitConverter.ToInt32(code, i + 1)) is { } called)
            {
                yield return (called, IsStore(code, i + 5));
            }
        }
    }

    // Bytes that look like a call and are none have no such token, mostly.
    private static MethodBase? Called(MethodBase method, int token)
    {
        try
        {
            return (token >>> 24) is 0x06 or 0x0A or 0x2B ? method.Module.ResolveMethod(token, method.DeclaringType!.GetGenericArguments(),
                method.IsGenericMethod ? method.GetGenericArguments() : null) : null;
        }
        catch (Exception e) when (e is ArgumentException or BadImageFormatException or MissingMemberException or FileNotFoundException or TypeLoadException)
        {
            return null;
        }
    }

    private static bool Makes(MethodBase method) => method is MethodInfo { IsStatic: true } made && made.ReturnType == typeof(Scalar);

    // stloc.0 to stloc.3, stloc.s, stfld, stsfld, stloc.
    private static bool IsStore(byte[] code, int at) => code[at] is (>= 0x0A and <= 0x0D) or 0x13 or 0x7D or 0x80
        || (code[at] == 0xFE && at + 1 < code.Length && code[at + 1] == 0x0E);
}
