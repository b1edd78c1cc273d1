using TorchSharp.Modules;
using static TorchSharp.torch;

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

    /// <summary>Rows of the matrix: output features.</summary>
    int OutFeatures { get; }

    /// <summary>Columns of the matrix: input features.</summary>
    int InFeatures { get; }

    /// <summary>Told of each input, [.., in], while it is set.</summary>
    Action<Tensor>? OnInput { get; set; }
}
