using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Workbook;

/// <summary>Resources of assemblies that are never loaded: only their metadata is read.</summary>
internal static class PackedResource
{
    /// <summary>Copies a resource out of an assembly.</summary>
    /// <param name="assembly">The assembly's file.</param>
    /// <param name="name">The resource.</param>
    /// <param name="into">Gets its bytes.</param>
    /// <exception cref="WorkbookException">The file is no assembly, or has no such resource of its own.</exception>
    internal static unsafe void Copy(string assembly, string name, Stream into)
    {
        try
        {
            using FileStream file = File.OpenRead(assembly);
            using PEReader image = new(file);
            MetadataReader metadata = image.GetMetadataReader();
            ManifestResource? found = metadata.ManifestResources.Select(metadata.GetManifestResource)
                .Where(r => r.Implementation.IsNil && metadata.StringComparer.Equals(r.Name, name)).Cast<ManifestResource?>().FirstOrDefault();
            if (found is not { } resource || image.PEHeaders.CorHeader is not { } header)
            {
                throw new WorkbookException($"{assembly} has no resource '{name}': fetch it again");
            }

            PEMemoryBlock section = image.GetSectionData(header.ResourcesDirectory.RelativeVirtualAddress);
            BlobReader reader = section.GetReader((int)resource.Offset, section.Length - (int)resource.Offset);
            int length = reader.ReadInt32();
            if (length < 0 || length > reader.RemainingBytes)
            {
                throw new BadImageFormatException($"its resource '{name}' claims {length:N0} bytes");
            }

            using UnmanagedMemoryStream bytes = new(reader.CurrentPointer, length);
            bytes.CopyTo(into);
        }
        catch (Exception e) when (e is BadImageFormatException or ArgumentOutOfRangeException or InvalidOperationException or OverflowException)
        {
            throw new WorkbookException($"{assembly} is damaged ({e.Message}): fetch it again", e);
        }
    }
}
