using System.Security.Cryptography;

namespace Workbook.Cli.Sweeping;

/// <summary>
/// Which library a point was computed by. Any edit of it is another one, also of a comment where the build keeps line
/// numbers: a point that runs anew takes those trainings from the run store that come out as before.
/// </summary>
internal static class LibraryCode
{
    private static readonly Type[] s_assemblies =
        [typeof(WorkbookException), typeof(SafeTensors), typeof(Mask), typeof(ChannelGraph), typeof(Sparse), typeof(RunRecord), typeof(Notebook.Lab)];

    private static readonly byte[] s_code = SHA256.HashData([.. s_assemblies.SelectMany(type => type.Module.ModuleVersionId.ToByteArray())]);

    /// <summary>The version, and eight hexadecimal digits over the compiled code, e.g. <c>0.1.0+1f0c93ab</c>.</summary>
    public static string Version { get; } = $"{RunRecord.LibraryVersion}+{Convert.ToHexStringLower(s_code)[..8]}";
}
