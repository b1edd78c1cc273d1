using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// The sizes of what layers are given. Hooks run for <c>call</c> only, not for <c>forward</c>, so each layer gets for a moment a weight with one input more,
/// and
/// libtorch says, refusing it, which input it was for. Sparse layers, our own, show their input.
/// </summary>
internal sealed partial class InputShapes
{
    private readonly nn.Module<Tensor, Tensor> _model;
    private readonly Tensor _example;

    private InputShapes(nn.Module<Tensor, Tensor> model, Tensor example) => (_model, _example) = (model, example);

    internal static InputShapes Of(nn.Module<Tensor, Tensor> model, Tensor example)
    {
        InputShapes shapes = new(model, example);
        // Otherwise the refusal of another layer could pass for the one that is asked for.
        return shapes.Run() is not { } fault ? shapes
            : throw new WorkbookException($"the model does not take the example input of shape "
                + $"[{string.Join(", ", example.shape)}]: {fault.Split('\n')[0].Trim()}");
    }

    /// <summary>
    /// How many times each weight of a layer multiplies for the whole batch, at the layer's first call, 0 for one that does not run; null for layers that have
    /// no such number, or none that can be had: cells of recurrent networks run once a step, an LSTM whose first state the model gives refuses nothing.
    /// </summary>
    internal long? Positions(string name, nn.Module module)
    {
        // A recurrent layer's weights, at all levels and in both directions, multiply once a step of each sequence.
        if ((module is RNN or GRU ? module.get_parameter("weight_ih_l0") : (module as Linear)?.weight) is { } matrix)
        {
            string? refusal = Refusal(matrix, 1);
            return refusal is null ? 0 : Rows().Match(refusal) is { Success: true } rows ? long.Parse(rows.Groups[1].Value) : throw Unread(name, refusal);
        }

        if (module is Convolution convolution)
        {
            // The weight of a transposed one is [in, out / groups, …], and each input meets all of its channel.
            if (Refusal(convolution.weight!, convolution.transposed ? 0 : 1, (int)convolution.groups) is not { } refusal)
            {
                return 0;
            }

            long[] input = Shape().Match(refusal) is { Success: true } shape
                ? [.. shape.Groups[1].Value.Split(", ").Select(long.Parse)] : throw Unread(name, refusal);
            return convolution.transposed ? input.Where((_, d) => d != 1).Aggregate(1L, (product, size) => product * size) : Positions(convolution, input);
        }

        if (module is LSTM lstm)
        {
            return Positions(lstm);
        }

        if (module is ICompressedLayer sparse)
        {
            long rows = 0;
            try
            {
                sparse.OnRows = count => rows = rows == 0 ? count : rows;
                Run();
            }
            finally
            {
                sparse.OnRows = null;
            }

            return rows;
        }

        return null;
    }

    private static long Positions(Convolution convolution, long[] input)
    {
        long positions = input[0];
        for (int d = 0; d < convolution.kernel_size.Length; d++)
        {
            // Padding other than with zeros has been added to the input already.
            long padded = input[d + 2] + (convolution.padding is { } padding && convolution.padding_mode == PaddingModes.Zeros ? 2 * padding[d] : 0);
            bool same = convolution.padding_type == Padding.Same && convolution.padding_mode == PaddingModes.Zeros;
            positions *= same ? padded : ((padded - (convolution.dilation[d] * (convolution.kernel_size[d] - 1)) - 1) / convolution.stride[d]) + 1;
        }

        return positions;
    }

    /// <summary>
    /// Its kernels check no weight, but the size of the zeros that it begins with: with dimensions exchanged that is not [levels, batch, units] but
    /// [levels, steps, units].
    /// </summary>
    private long? Positions(LSTM lstm)
    {
        bool batchFirst = BatchFirst(lstm);
        long levels = Levels(lstm);
        try
        {
            BatchFirst(lstm) = !batchFirst;
            string? refusal = Run();
            BatchFirst(lstm) = batchFirst;
            if (refusal is null)
            {
                Levels(lstm)++; // as many steps as examples
                refusal = Run();
            }

            return State().Match(refusal ?? "") is { Success: true } state ? long.Parse(state.Groups[1].Value) * long.Parse(state.Groups[2].Value) : null;
        }
        finally
        {
            (BatchFirst(lstm), Levels(lstm)) = (batchFirst, levels);
        }
    }

    /// <summary>What is said against a weight with one input more; null where nobody asks for it.</summary>
    private string? Refusal(Parameter weight, int inputs, int groups = 1)
    {
        Tensor contents = weight.detach();
        try
        {
            long[] shape = weight.shape;
            shape[inputs] += inputs == 0 ? groups : 1;
            weight.set_(empty(shape, weight.dtype));
            return Run();
        }
        finally
        {
            weight.set_(contents);
        }
    }

    /// <summary>Runs the model in evaluation mode; what libtorch or TorchSharp has against it.</summary>
    private string? Run()
    {
        using DisposeScope scope = NewDisposeScope();
        using ModelGuard guard = new(_model, training: false);
        try
        {
            _model.Answer(_example);
            return null;
        }
        catch (Exception e) when (e is ExternalException or ArgumentException or WorkbookException)
        {
            return e.Message;
        }
    }

    private static WorkbookException Unread(string name, string refusal) =>
        new($"the multiplications of '{name}' can't be counted: {refusal.Split('\n')[0].Trim()}");

    [GeneratedRegex(@"shapes cannot be multiplied \((\d+)x")]
    private static partial Regex Rows();

    [GeneratedRegex(@"Expected hidden\[0\] size \d+ (\d+) \d+, got \[\d+, (\d+), \d+\]")]
    private static partial Regex State();

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_batch_first")]
    private static extern ref bool BatchFirst(LSTM lstm);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_num_layers")]
    private static extern ref long Levels(LSTM lstm);

    [GeneratedRegex(@"expected input\[([\d, ]+)\]")]
    private static partial Regex Shape();
}
