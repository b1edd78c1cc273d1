using System.Runtime.CompilerServices;

namespace Workbook;

/// <summary>Without vectors: what is too short to fill one, and machines that have none.</summary>
internal static unsafe partial class Kernels
{
    /// <summary>For one example; four sums at a time, as each would wait for the one before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleProduct(Steps steps, float* values, float* bias, float* input, float* output, int plane)
    {
        nint scale = steps.Scale;
        for (int row = steps.First; row < steps.End; row++)
        {
            float s0 = bias is null ? 0 : bias[row], s1 = 0, s2 = 0, s3 = 0;
            int* at = steps.At + steps.Starts[row], stop = steps.At + steps.Starts[row + 1];
            float* v = values + steps.Starts[row];
            for (; at + 4 <= stop; at += 4, v += 4)
            {
                s0 = float.MultiplyAddEstimate(v[0], input[at[0] * scale], s0);
                s1 = float.MultiplyAddEstimate(v[1], input[at[1] * scale], s1);
                s2 = float.MultiplyAddEstimate(v[2], input[at[2] * scale], s2);
                s3 = float.MultiplyAddEstimate(v[3], input[at[3] * scale], s3);
            }

            for (; at < stop; at++, v++)
            {
                s0 += *v * input[*at * scale];
            }

            output[(nint)row * plane] = s0 + s1 + (s2 + s3);
        }
    }

    /// <summary>For a run too short to fill a vector, and for machines without vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScalarProduct(Steps steps, float* values, float* bias, float* input, float* output, int plane, int run)
    {
        for (int line = 0; line < steps.Blocks * steps.Rows; line++)
        {
            int row = line % steps.Rows;
            for (int place = 0; place < run && row >= steps.First && row < steps.End; place++)
            {
                float* to = output + ((nint)row * plane) + place;
                float sum = line >= steps.Rows ? *to : bias is null ? 0 : bias[row];
                for (int k = steps.Starts[line]; k < steps.Starts[line + 1]; k++)
                {
                    sum += values[k] * input[((nint)steps.At[k] * steps.Scale) + place];
                }

                *to = sum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScalarGradients(Steps steps, float* input, float* gradient, int plane, float* valueGradients, float* biasGradients, int run)
    {
        for (int line = 0; line < steps.Blocks * steps.Rows; line++)
        {
            int row = line % steps.Rows;
            if (row < steps.First || row >= steps.End)
            {
                continue;
            }

            float* g = gradient + ((nint)row * plane);
            for (int place = 0; place < run && line < steps.Rows; place++)
            {
                biasGradients[row] += g[place];
            }

            for (int k = steps.Starts[line]; k < steps.Starts[line + 1]; k++)
            {
                float* x = input + ((nint)steps.At[k] * steps.Scale);
                float sum = 0;
                for (int place = 0; place < run; place++)
                {
                    sum += g[place] * x[place];
                }

                valueGradients[k] += sum;
            }
        }
    }
}
