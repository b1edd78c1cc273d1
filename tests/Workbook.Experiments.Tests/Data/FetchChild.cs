using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Workbook.Tests;

/// <summary>A download in a process of its own: with the environment variable below the test program does it and ends.</summary>
internal static class FetchChild
{
    private const string Variable = "WORKBOOK_TEST_FETCH";

    internal static ProcessStartInfo Start(string cache, Uri mirror) => new(Environment.ProcessPath!)
    {
        Environment = { [Variable] = $"{mirror}|{cache}" },
    };

#pragma warning disable CA2255 // As StoreChild.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void RunIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable)?.Split('|', 2) is not [var mirror, var cache])
        {
            return;
        }

        try
        {
            using SmallSet set = new();
            Patience patience = new(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(20));
            new DatasetStore(set.Manifest(new Uri(mirror)), cache, null, patience, patience).Fetch("mnist", null, null, CancellationToken.None);
            Environment.Exit(0);
        }
        catch (WorkbookException e)
        {
            Console.Error.WriteLine(e.Message);
            Environment.Exit(2);
        }
    }
}
