using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class ReplicasTests
{
    private static float[] TrainOne(int seed)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = RandomStream.Of(1, "images");
        using LabelledTensors data = new(rand([256, 1, 28, 28], generator: generator), arange(256, ScalarType.Int64).remainder(10));
        using LeNet300100 net = new(seed);
        Mask mask = new Pruner(Saliency.Random(seed)).Prune(net, 0.5);
        Trainer.Train(net, data, new Recipe { Epochs = 3, BatchSize = 32, LearningRate = 0.01 }, seed, mask);
        return [.. net.parameters().SelectMany(p => p.data<float>().ToArray())];
    }

    [Fact]
    public void Side_by_side_gives_bit_for_bit_what_one_after_the_other_gives()
    {
        int[] seeds = [0, 1, 2, 3];
        float[][] sideBySide = Replicas.Run(seeds, TrainOne, threads: 4);
        float[][] inTurn = Replicas.Run(seeds, TrainOne, threads: 1);
        Assert.Equal(inTurn, sideBySide);
        Assert.NotEqual(inTurn[0], inTurn[1]);
    }

    [Fact]
    public void Results_come_in_the_order_of_the_items()
    {
        int[] results = Replicas.Run(Enumerable.Range(0, 50), i => { Thread.Sleep((50 - i) % 7); return i; }, threads: 8);
        Assert.Equal(Enumerable.Range(0, 50), results);
    }

    [Fact]
    public void One_more_than_there_are_processors_is_not_left_for_a_round_of_its_own()
    {
        int count = Environment.ProcessorCount + 1;
        using CountdownEvent begun = new(count);
        bool[] together = Replicas.Run(Enumerable.Range(0, count), _ =>
        {
            begun.Signal();
            return begun.Wait(TimeSpan.FromSeconds(20));
        });
        Assert.Equal(Environment.ProcessorCount > 1, together.All(all => all));
    }

    [Fact]
    public void A_run_that_fails_ends_the_others_and_says_what_it_said()
    {
        int begun = 0;
        WorkbookException e = Assert.Throws<WorkbookException>(() => Replicas.Run(Enumerable.Range(0, 1000), i =>
        {
            Interlocked.Increment(ref begun);
            Thread.Sleep(1); // time for the failure to be seen before all is done
            return i == 3 ? throw new WorkbookException("seed 3 diverged") : i;
        }, threads: 2));
        Assert.Equal("seed 3 diverged", e.Message);
        Assert.InRange(begun, 4, 999);
    }
}
