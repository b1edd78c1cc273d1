using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace Workbook.Cli.Kernel;

/// <summary>
/// Finds what <c>#r</c> names. An assembly that the runner itself has is always the runner's own copy, whatever path is named:
/// two copies of one assembly have two sets of types that don't fit each other.
/// </summary>
internal sealed class ReferenceResolver(string notebookFolder) : MetadataReferenceResolver
{
    public override bool ResolveMissingAssemblies => true;

    public override ImmutableArray<PortableExecutableReference> ResolveReference(string reference, string? baseFilePath, MetadataReferenceProperties properties)
    {
        bool isPath = reference.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) || reference.EndsWith(".exe", StringComparison.OrdinalIgnoreCase);
        string name = isPath ? Path.GetFileNameWithoutExtension(reference) : reference.Split(',')[0].Trim();
        if (OwnAssemblies.Find(name) is { } own)
        {
            return [MetadataReference.CreateFromFile(own, properties)];
        }

        string folder = Path.IsPathRooted(baseFilePath) ? Path.GetDirectoryName(baseFilePath)! : notebookFolder;
        string path = Path.GetFullPath(reference, folder);
        return File.Exists(path) ? [MetadataReference.CreateFromFile(path, properties)] : [];
    }

    public override PortableExecutableReference? ResolveMissingAssembly(MetadataReference definition, AssemblyIdentity referenceIdentity)
    {
        string? path = OwnAssemblies.Find(referenceIdentity.Name);
        if (path is null && definition is PortableExecutableReference { FilePath: { } referrer })
        {
            string beside = Path.Combine(Path.GetDirectoryName(referrer)!, referenceIdentity.Name + ".dll");
            path = File.Exists(beside) ? beside : null;
        }

        return path is null ? null : MetadataReference.CreateFromFile(path);
    }

    public override bool Equals(object? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}
