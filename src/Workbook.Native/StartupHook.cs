using Workbook;
using Workbook.Native;

/// <summary>
/// What the runtime calls before Main where <c>runtimeconfig.json</c> names this assembly, which the package's targets see to: a
/// program's first use of TorchSharp, in any language, may come before its first use of the library. The runtime wants
/// this name, outside of any namespace.
/// </summary>
internal static class StartupHook
{
    internal static void Initialize()
    {
        try
        {
            Libtorch.Load();
        }
        catch (WorkbookException e)
        {
            Console.Error.WriteLine(e.Message); // TorchSharp's own fault, at the first tensor, does not say how to mend it
        }
    }
}
