using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Saliencies that compare weights of one output unit only.</summary>
public static class WithinRowsSaliency
{
    /// <summary>Each weight's rank among those of its output unit, from 0 to 1: in a layer every unit then loses the same share, but for one weight.</summary>
    /// <param name="saliency">What is ranked.</param>
    public static Saliency WithinRows(this Saliency saliency) => new Ranked(saliency);

    private sealed class Ranked(Saliency saliency) : Saliency
    {
        public override Tensor Score(string name, Parameter weight)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor rows = saliency.Score(name, weight).flatten(1);
            Tensor rank = rows.isnan().any().item<bool>() ? rows // the pruner says it
                : rows.sort(1, stable: true).Indices.argsort(1).to(ScalarType.Float64).Over(Math.Max(1, rows.shape[1] - 1));
            return rank.reshape(weight.shape).MoveToOuterDisposeScope();
        }

        public override string ToString() => $"{saliency} within rows";
    }
}
