// The members of Verso that the adapter reaches by name, with the shapes of version 1.0.
#pragma warning disable IDE0130 // The namespace is Verso's.
namespace Verso.Abstractions;

public static class DisplayExtensions
{
    public static List<(object? Value, string? MimeType)> Shown { get; } = [];

    public static void Display(this object? value, string? mimeType = null) => Shown.Add((value, mimeType));
}
