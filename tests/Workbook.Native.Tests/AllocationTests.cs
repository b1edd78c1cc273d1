using System.Globalization;
using TorchSharp;
using Xunit;

namespace Workbook.Native.Tests;

public sealed class AllocationTests
{
    private const int Page = 4096, Bytes = 8 << 20, Times = 20;

    [Fact]
    public void A_large_tensor_s_memory_is_there_for_the_next_one()
    {
        Assert.SkipUnless(File.Exists("/proc/thread-self/stat"), "page faults are counted where Linux counts them");
        Libtorch.Load();
        using torch.Tensor other = torch.ones(1 << 18); // an empty heap is given back whole
        Make(2 * Times); // among what others have freed a place is settled on after some
        long before = Faults();
        Make(Times);

        // Each page of each tensor, where the system gets it back.
        Assert.InRange(Faults() - before, 0, Times * Bytes / Page / 4);

        static void Make(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using torch.Tensor tensor = torch.zeros(Bytes / sizeof(float));
            }
        }

        static long Faults()
        {
            string stat = File.ReadAllText("/proc/thread-self/stat");
            return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[7], CultureInfo.InvariantCulture);
        }
    }
}
