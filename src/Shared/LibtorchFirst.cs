using System.Runtime.CompilerServices;

namespace Workbook.Native;

/// <summary>
/// Compiled into every assembly that makes tensors: TorchSharp has to find libtorch loaded, and a module initializer runs only
/// when its own assembly is touched. A failure waits for the first tensor.
/// </summary>
internal static class LibtorchFirst
{
#pragma warning disable CA2255 // Meant for applications, needed here, see above.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Load() => RuntimeHelpers.RunModuleConstructor(typeof(Libtorch).Module.ModuleHandle);
}
