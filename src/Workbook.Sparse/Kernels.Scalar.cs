using System.Runtime.CompilerServices;

namespace Workbook;

/// <summary>Without vectors: what is too short to fill one, and machines that have none.</summary>
internal static unsafe partial class Kernels
{
    /// <summary>For one example; four sums at a time, as each would wait for the one before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleProduct(int* starts, int* column, float* values, float* bias, float* input, float* output, int first, int end)
    {
        for (int row = first; row < end; row++)
        {
            float s0 = bias is null ? 0 : bias[row], s1 = 0, s2 = 0, s3 = 0;
            int* c = column + starts[row], stop = column + starts[row + 1];
            float* v = values + starts[row];
            for (; c + 4 <= stop; c += 4, v += 4)
            {
                s0 = float.MultiplyAddEstimate(v[0], input[c[0]], s0);
                s1 = float.MultiplyAddEstimate(v[1], input[c[1]], s1);
                s2 = float.MultiplyAddEstimate(v[2], input[c[2]], s2);
                s3 = float.MultiplyAddEstimate(v[3], input[c[3]], s3);
            }

            for (; c < stop; c++, v++)
            {
                s0 += *v * input[*c];
            }

            output[row] = s0 + s1 + (s2 + s3);
        }
    }

    /// <summary>For two examples or three, which fill no vector, and for machines without vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScalarProduct(int* starts, int* column, float* values, float* bias, float* input, float* output, int batch, int first, int end)
    {
        for (int row = first; row < end; row++)
        {
            for (int lane = 0; lane < batch; lane++)
            {
                float sum = bias is null ? 0 : bias[row];
                for (int k = starts[row]; k < starts[row + 1]; k++)
                {
                    sum += values[k] * input[((nint)column[k] * batch) + lane];
                }

                output[((nint)row * batch) + lane] = sum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScalarGradients(int* starts, int* column, float* input, float* gradient, float* valueGradients, float* biasGradients, int batch,
        int first, int end)
    {
        for (int row = first; row < end; row++)
        {
            float* g = gradient + ((nint)row * batch);
            for (int lane = 0; lane < batch; lane++)
            {
                biasGradients[row] += g[lane];
            }

            for (int k = starts[row]; k < starts[row + 1]; k++)
            {
                float* x = input + ((nint)column[k] * batch);
                float sum = 0;
                for (int lane = 0; lane < batch; lane++)
                {
                    sum += g[lane] * x[lane];
                }

                valueGradients[k] = sum;
            }
        }
    }
}
