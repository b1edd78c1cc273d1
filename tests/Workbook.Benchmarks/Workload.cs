using TorchSharp;
using static TorchSharp.torch;

namespace Workbook.Benchmarks;

/// <summary>
/// A training as a notebook has it: a loop of its own over steps, besides what the library does. The statements between
/// the marks are this method's body, and, to the letter, a cell of the notebook that the runner executes.
/// </summary>
internal static class Workload
{
    internal static void Run(int steps)
    {
        //// begin
        set_num_threads(1);
        using Generator generator = RandomStream.Of(1, "images");
        Tensor inputs = rand([12_800, 784], generator: generator);
        Tensor labels = randint(0, 10, [12_800], ScalarType.Int64, generator: generator);
        LeNet300100 network = new(seed: 1);
        Mask mask = new Pruner(Saliency.Magnitude).Prune(network, 0.9);
        BoundMask pruned = mask.Bind(network);
        optim.Optimizer optimizer = optim.SGD(network.parameters(), 0.01, momentum: 0.9);
        double sum = 0;
        for (int step = 0; step < steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            long start = step % 100 * 128;
            optimizer.zero_grad();
            Tensor loss = nn.functional.cross_entropy(network.forward(inputs.narrow(0, start, 128)), labels.narrow(0, start, 128));
            loss.backward();
            pruned.Step(optimizer);
            sum += loss.item<float>();
        }

        Console.WriteLine($"{steps} steps, mean loss {sum / steps:F4}");
        //// end
    }
}
