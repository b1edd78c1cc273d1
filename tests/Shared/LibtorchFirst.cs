using System.Runtime.CompilerServices;

namespace Workbook.Tests;

/// <summary>The library finds libtorch, and has to be loaded for that: a test that begins with a call of TorchSharp would be too early.</summary>
internal static class LibtorchFirst
{
    [ModuleInitializer]
    internal static void Load() => RuntimeHelpers.RunModuleConstructor(typeof(WorkbookException).Module.ModuleHandle);
}
