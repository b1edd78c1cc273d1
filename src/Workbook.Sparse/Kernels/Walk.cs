using System.Buffers;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a kernel walks along: for each row, in each block of what it reads, how many steps from the start of the input its weights meet it.</summary>
/// <param name="Rows">Rows of the matrix.</param>
/// <param name="Blocks">Parts that the columns are in, gone through one after the other, so that what is read stays in the nearest cache.</param>
/// <param name="Starts">Blocks · rows + 1 numbers: where each row begins in <paramref name="At"/>, block by block, and the end.</param>
/// <param name="At">Steps from the start of the input, one number a weight.</param>
/// <param name="Order">For each weight its number in the layer's order; null where it is the same.</param>
internal sealed record Walk(int Rows, int Blocks, int[] Starts, int[] At, int[]? Order)
{
    /// <summary>Calls with the weights in the walk's order.</summary>
    /// <param name="values">They in the layer's.</param>
    /// <param name="body">Is given where they lie, as long as it runs.</param>
    internal unsafe void InOrder(Tensor values, Action<nint> body)
    {
        int[] order = Order!;
        float[] ordered = ArrayPool<float>.Shared.Rent(Math.Max(1, order.Length));
        float* source = FeatureMajor.Pointer(values);
        for (int k = 0; k < order.Length; k++)
        {
            ordered[k] = source[order[k]];
        }

        fixed (float* weights = ordered)
        {
            body((nint)weights);
        }

        ArrayPool<float>.Shared.Return(ordered);
    }

    /// <summary>Weights in the walk's order, in the layer's.</summary>
    internal unsafe void Scatter(float* from, float* to)
    {
        int[] order = Order!;
        for (int k = 0; k < order.Length; k++)
        {
            to[order[k]] = from[k];
        }
    }
}

/// <summary>A walk as the kernels read it, and the rows of it that one of them does.</summary>
internal readonly unsafe struct Steps(int* starts, int* at, int scale, int blocks, int rows, int first, int end)
{
    internal readonly int* Starts = starts, At = at;
    internal readonly int Scale = scale, Blocks = blocks, Rows = rows, First = first, End = end;
}
