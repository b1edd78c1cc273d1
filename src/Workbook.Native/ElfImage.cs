using System.Buffers.Binary;
using System.Text;

namespace Workbook.Native;

/// <summary>
/// The symbol versions of a 64-bit little-endian ELF file: which it needs, which it defines, and a copy that needs one
/// of them only weakly. Source: System V ABI, and the Linux Standard Base's chapter on symbol versioning.
/// </summary>
internal sealed class ElfImage
{
    private const uint SectionDynamicSymbols = 11, SectionVersionDefinitions = 0x6ffffffd,
        SectionVersionNeeds = 0x6ffffffe, SectionVersionSymbols = 0x6fffffff;

    private const ushort Weak = 2; // VER_FLG_WEAK: the loader warns of a missing version instead of refusing the file.

    private readonly byte[] _bytes;
    private readonly List<Section> _sections = [];

    private readonly record struct Section(uint Type, long Offset, long Size, int Link);

    /// <summary>One version that the file needs of another file.</summary>
    /// <param name="File">The file that should define it, e.g. <c>libstdc++.so.6</c>.</param>
    /// <param name="Version">Its name, e.g. <c>GLIBCXX_3.4.32</c>.</param>
    /// <param name="Index">The number that symbols of this version carry in <c>.gnu.version</c>.</param>
    /// <param name="IsWeak">Whether the loader may go on without it.</param>
    /// <param name="FlagsOffset">Where in the file its flags stand.</param>
    internal readonly record struct Need(string File, string Version, ushort Index, bool IsWeak, long FlagsOffset);

    /// <exception cref="InvalidDataException">Not a whole 64-bit little-endian ELF file.</exception>
    internal ElfImage(byte[] bytes)
    {
        _bytes = bytes;
        if (bytes.Length < 64 || !bytes.AsSpan(0, 4).SequenceEqual("\u007fELF"u8))
        {
            throw new InvalidDataException("not an ELF file");
        }

        if (bytes[4] != 2 || bytes[5] != 1)
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        long table = Int64(0x28);
        int entrySize = UInt16(0x3a), count = UInt16(0x3c);
        if (entrySize < 64)
        {
            throw new InvalidDataException("its section headers are too small");
        }

        for (int i = 0; i < count; i++)
        {
            long header = table + ((long)i * entrySize);
            _sections.Add(new Section(UInt32(header + 4), Int64(header + 24), Int64(header + 32), (int)UInt32(header + 40)));
        }
    }

    /// <summary>The versions that the file defines (<c>.gnu.version_d</c>).</summary>
    internal IReadOnlyList<string> DefinedVersions()
    {
        List<string> versions = [];
        foreach (Section section in _sections.Where(s => s.Type == SectionVersionDefinitions))
        {
            Section strings = Linked(section);
            Walk(section.Offset, section.Size, entry =>
            {
                versions.Add(Name(strings, UInt32(entry + UInt32(entry + 12)))); // vd_aux: the first name is its own
                return UInt32(entry + 16);
            });
        }

        return versions;
    }

    /// <summary>The versions that the file needs (<c>.gnu.version_r</c>).</summary>
    internal IReadOnlyList<Need> NeededVersions()
    {
        List<Need> needs = [];
        foreach (Section section in _sections.Where(s => s.Type == SectionVersionNeeds))
        {
            Section strings = Linked(section);
            Walk(section.Offset, section.Size, file =>
            {
                string name = Name(strings, UInt32(file + 4));
                long first = file + UInt32(file + 8);
                Walk(first, section.Offset + section.Size - first, need =>
                {
                    needs.Add(new Need(name, Name(strings, UInt32(need + 8)), UInt16(need + 6), (UInt16(need + 4) & Weak) != 0, need + 4));
                    return UInt32(need + 12);
                });
                return UInt32(file + 12);
            });
        }

        return needs;
    }

    /// <summary>The dynamic symbols that carry a version.</summary>
    internal IReadOnlyList<string> SymbolsOf(Need need)
    {
        Section versions = _sections.First(s => s.Type == SectionVersionSymbols);
        Section symbols = _sections.First(s => s.Type == SectionDynamicSymbols);
        Section strings = Linked(symbols);
        List<string> names = [];
        for (long i = 0; i < versions.Size / 2; i++)
        {
            if ((UInt16(versions.Offset + (i * 2)) & 0x7fff) == need.Index)
            {
                names.Add(Name(strings, UInt32(symbols.Offset + (i * 24))));
            }
        }

        return names;
    }

    /// <summary>A copy of the file in which the need is marked weak.</summary>
    internal byte[] Weakened(Need need)
    {
        byte[] copy = (byte[])_bytes.Clone();
        BinaryPrimitives.WriteUInt16LittleEndian(copy.AsSpan((int)need.FlagsOffset), (ushort)(UInt16(need.FlagsOffset) | Weak));
        return copy;
    }

    /// <summary>Follows a chain of records: each visit returns the distance to the next, 0 at the end.</summary>
    private static void Walk(long start, long size, Func<long, uint> visit)
    {
        long end = start + size;
        for (long at = start, step = 1; step != 0; at += step)
        {
            if (at < start || at >= end)
            {
                throw new InvalidDataException("its version records point outside of their section");
            }

            step = visit(at);
        }
    }

    private Section Linked(Section section) => section.Link >= 0 && section.Link < _sections.Count
        ? _sections[section.Link]
        : throw new InvalidDataException("a section links to one that is not there");

    private string Name(Section strings, uint offset)
    {
        if (offset >= strings.Size)
        {
            throw new InvalidDataException("a name lies outside of its string table");
        }

        ReadOnlySpan<byte> rest = Range(strings.Offset + offset, strings.Size - offset);
        int end = rest.IndexOf((byte)0);
        return end >= 0 ? Encoding.ASCII.GetString(rest[..end]) : throw new InvalidDataException("a name has no end");
    }

    private ushort UInt16(long offset) => BinaryPrimitives.ReadUInt16LittleEndian(Range(offset, 2));

    private uint UInt32(long offset) => BinaryPrimitives.ReadUInt32LittleEndian(Range(offset, 4));

    private long Int64(long offset) => BinaryPrimitives.ReadInt64LittleEndian(Range(offset, 8));

    private ReadOnlySpan<byte> Range(long offset, long length) =>
        offset >= 0 && length >= 0 && length <= _bytes.Length && offset <= _bytes.Length - length
            ? _bytes.AsSpan((int)offset, (int)length)
            : throw new InvalidDataException("it is truncated: a header points past the end of the file");
}
