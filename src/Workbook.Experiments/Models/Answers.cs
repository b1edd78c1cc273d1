using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Copies of models, and how far their answers lie apart.</summary>
public static class Answers
{
    /// <summary>Copies weights, buffers and mode into another model of the same make.</summary>
    /// <param name="from">The model; it stays as it is.</param>
    /// <param name="to">Changed in place.</param>
    /// <returns><paramref name="to"/>.</returns>
    public static TModel CopyInto<TModel>(this nn.Module from, TModel to)
        where TModel : nn.Module
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        to.load_state_dict(from.state_dict());
        to.train(from.training);
        return to;
    }

    /// <summary>The largest difference between two models' answers, as a fraction of the first's largest answer; both in their own mode.</summary>
    /// <param name="one">Inputs → answers.</param>
    /// <param name="other">Inputs → answers of the same shape.</param>
    /// <param name="inputs">All at once.</param>
    public static double Difference(nn.Module<Tensor, Tensor> one, nn.Module<Tensor, Tensor> other, Tensor inputs)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor a = one.Answer(inputs), b = other.Answer(inputs);
        return a.sub(b).abs().max().Value() / Math.Max(a.abs().max().Value(), 1e-30);
    }
}
