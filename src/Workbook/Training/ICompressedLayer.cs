using TorchSharp.Modules;

namespace Workbook;

/// <summary>
/// A layer that stands for a matrix of weights and holds only those that are left. Trainings decay what it holds as they
/// do other layers' weights, and counting asks it what it stands for.
/// </summary>
public interface ICompressedLayer
{
    /// <summary>The weights that are left, [kept].</summary>
    Parameter Values { get; }

    /// <summary>The biases, [rows]; null where there are none.</summary>
    Parameter? Bias { get; }

    /// <summary>Rows of the matrix: outputs of one place.</summary>
    long Rows { get; }

    /// <summary>Columns of the matrix: inputs of one output.</summary>
    long Columns { get; }

    /// <summary>Told, while it is set, how many times an input multiplies the matrix: examples, or places of all images.</summary>
    Action<long>? OnRows { get; set; }
}
