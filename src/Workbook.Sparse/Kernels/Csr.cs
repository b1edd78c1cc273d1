using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// Where the kept weights of a matrix are: compressed sparse rows (CSR). Checked once, here, as the kernels read memory by it.
/// </summary>
internal sealed class Csr
{
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="starts">rows + 1 numbers: where each row begins in <paramref name="column"/>, and the end.</param>
    /// <param name="column">The columns of the kept weights, row after row, rising within a row.</param>
    /// <exception cref="WorkbookException">Not the positions of a matrix of that size.</exception>
    internal Csr(int columns, int[] starts, int[] column)
    {
        (Columns, Starts, Column) = (columns, starts, column);
        bool sound = starts.Length > 0 && starts[0] == 0 && starts[^1] == column.Length;
        for (int row = 0; sound && row < Rows; row++)
        {
            sound = starts[row] <= starts[row + 1] && starts[row + 1] <= column.Length;
            for (int k = starts[row]; sound && k < starts[row + 1]; k++)
            {
                sound = column[k] >= (k == starts[row] ? 0 : column[k - 1] + 1) && column[k] < columns;
            }
        }

        if (!sound)
        {
            throw new WorkbookException($"crow_indices and col_indices are not the positions of weights in {Rows} rows of {columns}, in order: load them "
                + $"from a file that a SparseLinear of this shape wrote");
        }
    }

    internal int Rows => Starts.Length - 1;

    internal int Columns { get; }

    internal int[] Starts { get; }

    internal int[] Column { get; }

    /// <summary>The pattern of a mask.</summary>
    /// <param name="kept">Bool [rows, columns], contiguous.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="rows">Its rows.</param>
    internal static Csr Of(Tensor kept, int rows, int columns)
    {
        ReadOnlySpan<bool> bits = MemoryMarshal.Cast<byte, bool>(kept.bytes);
        int[] starts = new int[rows + 1];
        List<int> column = new(bits.Count(true));
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<bool> line = bits.Slice(row * columns, columns);
            for (int c = 0; c < columns; c++)
            {
                if (line[c])
                {
                    column.Add(c);
                }
            }

            starts[row + 1] = column.Count;
        }

        return new(columns, starts, [.. column]);
    }

    /// <summary>Int64 [kept weights]: where each is in the flattened matrix.</summary>
    internal Tensor Positions()
    {
        long[] positions = new long[Column.Length];
        for (int row = 0; row < Rows; row++)
        {
            for (int k = Starts[row]; k < Starts[row + 1]; k++)
            {
                positions[k] = ((long)row * Columns) + Column[k];
            }
        }

        return tensor(positions);
    }

    /// <summary>Bool [rows, columns]: which weights are kept.</summary>
    internal Tensor Kept()
    {
        using Tensor positions = Positions(), flat = zeros((long)Rows * Columns, ScalarType.Bool);
        return flat.index_fill_(0, positions, HeldNumbers.True).view(Rows, Columns);
    }

    /// <summary>Along its rows.</summary>
    internal Walk Walk => field ??= new(Rows, 1, Starts, Column, null);

    /// <summary>Along its columns; made when first asked for.</summary>
    internal Walk Transposed => field ??= Transpose();

    private Walk Transpose()
    {
        int[] starts = new int[Columns + 1], column = new int[Column.Length], order = new int[Column.Length];
        foreach (int c in Column)
        {
            starts[c + 1]++;
        }

        for (int c = 0; c < Columns; c++)
        {
            starts[c + 1] += starts[c];
        }

        int[] next = starts[..^1];
        for (int row = 0; row < Rows; row++)
        {
            for (int k = Starts[row]; k < Starts[row + 1]; k++)
            {
                int at = next[Column[k]]++;
                (column[at], order[at]) = (row, k);
            }
        }

        return new(Columns, 1, starts, column, order);
    }
}
