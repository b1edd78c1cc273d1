using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What networks score alone and together.</summary>
/// <param name="Alone">The accuracy of each, 0 to 1.</param>
/// <param name="Together">That of their mean probabilities.</param>
/// <param name="Disagreements">For each pair, the share of examples that they put into different classes.</param>
public sealed record EnsembleScore(IReadOnlyList<double> Alone, double Together, IReadOnlyList<double> Disagreements)
{
    /// <summary>By how much they are better together than one of them on average.</summary>
    public double Gain => Together - Alone.Average();
}

/// <summary>How alike networks answer (Fort et al. 2019; Evci et al. 2022, table 2).</summary>
public static class Ensemble
{
    /// <summary>What a network gives each class, in evaluation mode.</summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="data">The examples.</param>
    /// <returns>Probabilities, float32 [examples, classes].</returns>
    public static Tensor Probabilities(nn.Module<Tensor, Tensor> model, LabelledTensors data)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using ModelGuard guard = new(model, training: false);
        List<Tensor> parts = [];
        const int Batch = 1000;
        for (long start = 0; start < data.Count; start += Batch)
        {
            using DisposeScope batch = NewDisposeScope();
            parts.Add(model.Answer(data.Inputs.narrow(0, start, Math.Min(Batch, data.Count - start))).AtLeastSingle().softmax(1).MoveToOuterDisposeScope());
        }

        return cat(parts).MoveToOuterDisposeScope();
    }

    /// <summary>The share of examples, 0 to 1, that two networks put into different classes.</summary>
    /// <param name="a">Probabilities [examples, classes].</param>
    /// <param name="b">Probabilities [examples, classes].</param>
    /// <exception cref="WorkbookException">Their shapes differ, or are not of two dimensions.</exception>
    public static double Disagreement(Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.dim() != 2 || !a.shape.SequenceEqual(b.shape))
        {
            throw new WorkbookException($"networks are compared by their probabilities [examples, classes] for the same examples, and these are "
                + $"[{string.Join(", ", a.shape)}] and [{string.Join(", ", b.shape)}]");
        }

        using DisposeScope scope = NewDisposeScope();
        return a.argmax(1).ne(b.argmax(1)).to(ScalarType.Float64).mean().item<double>();
    }

    /// <summary>What networks score alone and together, and how often two of them disagree.</summary>
    /// <param name="probabilities">Of each network, [examples, classes].</param>
    /// <param name="labels">Int64 [examples].</param>
    /// <exception cref="WorkbookException">There is no network, or the shapes differ.</exception>
    public static EnsembleScore Score(IReadOnlyList<Tensor> probabilities, Tensor labels)
    {
        double together = Accuracy(probabilities, labels);
        return new([.. probabilities.Select(p => Accuracy([p], labels))], together,
            [.. probabilities.SelectMany((one, i) => probabilities.Skip(i + 1).Select(other => Disagreement(one, other)))]);
    }

    /// <summary>The accuracy, 0 to 1, of the networks' mean probabilities.</summary>
    /// <param name="probabilities">Of each network, [examples, classes].</param>
    /// <param name="labels">Int64 [examples].</param>
    /// <exception cref="WorkbookException">There is no network, or the shapes differ.</exception>
    public static double Accuracy(IReadOnlyList<Tensor> probabilities, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(labels);
        if (probabilities.Count == 0)
        {
            throw new WorkbookException("an ensemble has one network or more: give the probabilities of each");
        }

        if (probabilities[0].dim() != 2 || probabilities.Any(p => !p.shape.SequenceEqual([labels.numel(), probabilities[0].shape[1]])))
        {
            throw new WorkbookException($"each network gives probabilities [examples, classes], here for {labels.numel()} examples, and these "
                + $"are {string.Join(", ", probabilities.Select(p => $"[{string.Join(", ", p.shape)}]"))}");
        }

        using DisposeScope scope = NewDisposeScope();
        return stack(probabilities).mean([0L]).argmax(1).eq(labels).to(ScalarType.Float64).mean().item<double>();
    }
}
