using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using TorchSharp;
using Xunit;

namespace Workbook.Cli.Tests.Rules;

/// <summary>
/// A number that libtorch reads is held: TorchSharp makes a <see cref="Scalar"/> of it that a garbage collection on another thread may free before it is
/// read. Rare, and then a wrong number: no test of the answers finds it.
/// </summary>
public sealed class NumberRules
{
    private const byte Call = 0x28;

    public static TheoryData<string> Libraries => [.. Projects.Names];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Numbers_are_held_while_libtorch_reads_them(string project) =>
        Assert.Equal("", string.Join('\n', Passing(Projects.AssemblyOf(project).Location)));

    [Fact]
    public void A_number_that_nothing_holds_is_found()
    {
        IEnumerable<string> here = Passing(typeof(NumberRules).Assembly.Location).Where(m => m.StartsWith(nameof(NumberRules), StringComparison.Ordinal));
        Assert.Equal([$"{nameof(NumberRules)}.{nameof(Forgotten)}", $"{nameof(NumberRules)}.{nameof(Multiplied)}"], here);
    }

    private static torch.Tensor Forgotten(torch.Tensor tensor) => tensor.add(1);

    private static torch.Tensor Multiplied(torch.Tensor tensor) => tensor * 0.5;

    private static torch.Tensor Remembered(torch.Tensor tensor)
    {
        using Scalar one = 1;
        return tensor.add(one);
    }

    /// <summary>The methods of an assembly that make a Scalar and keep it in no variable, or let an operator of TorchSharp's do so.</summary>
    private static IEnumerable<string> Passing(string path)
    {
        using PEReader file = new(File.OpenRead(path));
        MetadataReader reader = file.GetMetadataReader();
        HashSet<int> operators = [.. reader.MemberReferences.Where(h => IsOperator(reader, reader.GetMemberReference(h)))
            .Select(h => MetadataTokens.GetToken(h))];
        HashSet<int> makers = [.. reader.MemberReferences.Where(h => MakesScalar(reader, reader.GetMemberReference(h)))
            .Select(h => MetadataTokens.GetToken(h))];
        foreach (MethodDefinition method in reader.MethodDefinitions.Select(reader.GetMethodDefinition).Where(m => m.RelativeVirtualAddress != 0))
        {
            byte[] code = file.GetMethodBody(method.RelativeVirtualAddress).GetILBytes()!;
            for (int i = 0; i + 5 < code.Length; i++)
            {
                if (code[i] == Call && BitConverter.ToInt32(code, i + 1) is var called
                    && (operators.Contains(called) || (makers.Contains(called) && !IsStore(code, i + 5))))
                {
                    yield return $"{reader.GetString(reader.GetTypeDefinition(method.GetDeclaringType()).Name)}.{reader.GetString(method.Name)}";
                }
            }
        }
    }

    private static bool MakesScalar(MetadataReader reader, MemberReference member) => member.Parent.Kind == HandleKind.TypeReference
        && reader.GetString(reader.GetTypeReference((TypeReferenceHandle)member.Parent).Name) is nameof(Scalar) or nameof(ScalarExtensionMethods)
        && reader.GetString(member.Name) is "op_Implicit" or nameof(ScalarExtensionMethods.ToScalar);

    // Of a tensor and a number.
    private static bool IsOperator(MetadataReader reader, MemberReference member)
    {
        if (member.Parent.Kind != HandleKind.TypeReference || !reader.GetString(member.Name).StartsWith("op_", StringComparison.Ordinal)
            || reader.GetString(member.Name) == "op_Implicit"
            || reader.GetString(reader.GetTypeReference((TypeReferenceHandle)member.Parent).Name) != nameof(torch.Tensor))
        {
            return false;
        }

        BlobReader signature = reader.GetBlobReader(member.Signature);
        signature.ReadSignatureHeader();
        for (int left = signature.ReadCompressedInteger(); left >= 0; left--)
        {
            if (signature.ReadSignatureTypeCode() != SignatureTypeCode.TypeHandle)
            {
                return true;
            }

            signature.ReadTypeHandle();
        }

        return false;
    }

    // stloc.0 to stloc.3, stloc.s, stfld, stsfld, stloc.
    private static bool IsStore(byte[] code, int at) => code[at] is (>= 0x0A and <= 0x0D) or 0x13 or 0x7D or 0x80
        || (code[at] == 0xFE && at + 1 < code.Length && code[at + 1] == 0x0E);
}
