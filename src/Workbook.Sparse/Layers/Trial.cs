using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Whether a model answers as it did when this was made, in both modes and for batches of several sizes.</summary>
internal sealed class Trial
{
    /// <summary>A whole group of <see cref="Planes"/>.</summary>
    private const int Most = 16;
    private const double Tolerance = 1e-3;

    private readonly nn.Module<Tensor, Tensor> _model;
    private readonly (Tensor Inputs, bool Training)[] _inputs;
    private readonly Tensor[] _expected;

    private Trial(nn.Module<Tensor, Tensor> model, Tensor example)
    {
        _model = model;
        Tensor rows = example.index_select(0, from_array(Enumerable.Range(0, Most).Select(i => i % example.size(0)).ToArray()));
        if (rows.is_floating_point())
        {
            // No two examples or places are alike, else one could stand for another; an example may be zeros.
            double size = rows.abs().max().Value();
            using Generator generator = RandomStream.Of(0, "trial");
            rows = rows.Plus(randn(rows.shape, rows.dtype, generator: generator).Times(size > 0 && double.IsFinite(size) ? size / 2 : 1));
        }

        _inputs = [(rows, false), (rows.narrow(0, 0, 3), false), (rows, true)];
        _expected = [.. _inputs.Select(Answer)];
    }

    /// <summary>How often it was asked.</summary>
    internal int Count { get; private set; }

    /// <summary>Null for a model that does not answer, or not twice the same, as one that draws numbers in <c>forward</c> (layers of dropout rest).</summary>
    /// <param name="model">The model, as it is.</param>
    /// <param name="example">Of its input: the first examples are tried.</param>
    internal static Trial? Of(nn.Module<Tensor, Tensor> model, Tensor example)
    {
        try
        {
            using IDisposable noGrad = no_grad();
            Trial trial = new(model, example.detach());
            return trial.Passes() ? trial : null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return null; // whoever runs the model next is told by it
        }
    }

    /// <summary>Whether the answers are, but for rounding, those of before.</summary>
    /// <param name="forward">Something else that is to answer so, from an input and whether in training mode, or null for an input that is not for it; null
    /// for the model.</param>
    internal bool Passes(Func<Tensor, bool, Tensor?>? forward = null)
    {
        Count++;
        try
        {
            using IDisposable noGrad = no_grad();
            return _inputs.Zip(_expected).All(pair =>
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor? answer = forward is null ? Answer(pair.First) : forward(pair.First.Inputs, pair.First.Training);
                return answer is null || answer.shape.SequenceEqual(pair.Second.shape)
                    && answer.Plus(pair.Second.neg()).abs().max().Value() <= Tolerance * pair.Second.abs().max().Value();
            });
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return false; // whatever a layer says of an input that it was not made for
        }
    }

    private Tensor Answer((Tensor Inputs, bool Training) trial)
    {
        using ModelGuard guard = new(_model, trial.Training);
        foreach (nn.Module dropout in _model.modules()
            .Where(module => module is Dropout or Dropout1d or Dropout2d or Dropout3d or AlphaDropout or FeatureAlphaDropout))
        {
            dropout.eval();
        }

        return _model.forward(trial.Inputs.clone());
    }
}
