using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Workbook.Native;

/// <summary>
/// What a path leads to. .NET tells neither pipes and devices from files, though opening one may wait for ever or never
/// end, nor whose a folder is; the system's C library does.
/// </summary>
internal static class FileKind
{
    private const int FromHere = -100, DoNotFollow = 0x100, BasicStats = 0x7ff; // AT_FDCWD, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS

    /// <summary>What the path leads to, links followed, in words: "a folder", "a pipe", …; null for a regular file, or nothing at all.</summary>
    internal static string? Odd(string path) => (Stat(path, follow: true)?.Mode & 0xf000) switch
    {
        null => Directory.Exists(path) ? "a folder" : null,
        0x4000 => "a folder",
        0x8000 => null,
        0x1000 => "a pipe",
        0xc000 => "a socket",
        _ => "a device",
    };

    /// <summary>Refuses what is no regular file; nothing at all is for the caller to notice.</summary>
    /// <param name="path">The path, links followed.</param>
    /// <param name="doing">What can't be done, e.g. "read".</param>
    /// <exception cref="WorkbookException">There is something else under this name.</exception>
    internal static void RequireFile(string path, string doing)
    {
        if (Odd(path) is { } odd)
        {
            throw new WorkbookException($"can't {doing} {path}: it is {odd}; give the name of a {(odd == "a folder" ? "file in it" : "regular file")}");
        }
    }

    /// <summary>Is the path itself a folder, no link to one, that belongs to this user and that nobody else can enter?</summary>
    internal static bool IsPrivateFolder(string path) =>
        Stat(path, follow: false) is { } folder && (folder.Mode & 0xf03f) == 0x4000 && folder.Owner == EffectiveUser();

    /// <summary>Do two paths lead to one file or folder, whatever they are called: by links, or by a name in other letter case?</summary>
    internal static bool IsSame(string path, string other) => OperatingSystem.IsWindows()
        ? WindowsIdentity(path) is { } file && file == WindowsIdentity(other)
        : Stat(path, follow: true) is { } found && Stat(other, follow: true) is { } second && (found.Device, found.Number) == (second.Device, second.Number);

    private static (ulong Volume, ulong Number)? WindowsIdentity(string path)
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] facts = new byte[52];
            return WindowsFacts(handle, facts)
                ? (BitConverter.ToUInt32(facts, 28), ((ulong)BitConverter.ToUInt32(facts, 44) << 32) | BitConverter.ToUInt32(facts, 48)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // there is no such file
        }
    }

    private static Status? Stat(string path, bool follow)
    {
        byte[] status = new byte[256];
        try
        {
            return OperatingSystem.IsLinux() ? LinuxStat(FromHere, path, follow ? 0 : DoNotFollow, BasicStats, status) == 0
                    ? new(BitConverter.ToUInt16(status, 28), BitConverter.ToUInt32(status, 20), BitConverter.ToUInt64(status, 136),
                        BitConverter.ToUInt64(status, 32)) : null
                : OperatingSystem.IsMacOS() && (follow ? MacStat(path, status) : MacLinkStat(path, status)) == 0
                    ? new(BitConverter.ToUInt16(status, 4), BitConverter.ToUInt32(status, 16), BitConverter.ToUInt32(status, 0),
                        BitConverter.ToUInt64(status, 8)) : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    [DllImport("libc", EntryPoint = "statx")]
    private static extern int LinuxStat(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] status);

    [DllImport("libc", EntryPoint = "stat")]
    private static extern int MacStat([MarshalAs(UnmanagedType.LPUTF8Str)] string path, byte[] status);

    [DllImport("libc", EntryPoint = "lstat")]
    private static extern int MacLinkStat([MarshalAs(UnmanagedType.LPUTF8Str)] string path, byte[] status);

    [DllImport("libc", EntryPoint = "geteuid")]
    private static extern uint EffectiveUser();

    [DllImport("kernel32", EntryPoint = "GetFileInformationByHandle")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static extern bool WindowsFacts(SafeFileHandle file, byte[] facts);

    private readonly record struct Status(int Mode, uint Owner, ulong Device, ulong Number);
}
