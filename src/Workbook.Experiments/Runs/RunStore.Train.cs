using System.Globalization;
using static TorchSharp.torch;

namespace Workbook;

/// <content>Trainings that are done once.</content>
public sealed partial class RunStore : ITrainings
{
    /// <summary>
    /// As <see cref="Trainer.Train(nn.Module{Tensor, Tensor}, LabelledTensors, Recipe, int, MaskSchedule?, TrainingPart[])"/>, but done only if the
    /// store does not have it: afterwards the model holds the trained weights either way. The loss is noted (<see cref="Probe.Loss"/>) if no part does.
    /// Under a mask that stays, sparse layers are trained as such (<see cref="SparseTraining"/>), where it pays and no part looks at them.
    /// </summary>
    /// <param name="model">Inputs → logits [batch, classes]; the training starts from its weights.</param>
    /// <param name="data">The training set.</param>
    /// <param name="recipe">Optimizer, epochs, rates.</param>
    /// <param name="seed">Determines the order of the examples.</param>
    /// <param name="mask">What is left of the model: a mask, or a schedule that changes it; null for all of it.</param>
    /// <param name="parts">What goes on beside the steps, e.g. <see cref="Probe.Score"/>; <c>run[probe]</c> gives what was noted.</param>
    /// <exception cref="WorkbookException">As <c>Trainer.Train</c>, or the store can't be written.</exception>
    public Run Train(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask = null, params TrainingPart[] parts)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(recipe);
        TrainingPart[] all = Completed(model, parts, recipe, mask);
        Trainer.Check(model, data, recipe, mask, all);
        bool trained = false;
        Run run = Get(Describe(model, data, recipe, seed, mask, all) with { Behaviour = Behaviour.Of(model, data, recipe, seed, mask, all) }, () =>
        {
            trained = true;
            TrainedInMemory log = (TrainedInMemory)Trainer.Train(model, data, recipe, seed, mask, all);
            return new RunResult { Metrics = log.Metrics, Weights = model.state_dict(), Mask = log.LoadMask(), Checkpoints = log.Weights };
        });
        if (!trained)
        {
            run.LoadInto(model);
            model.eval();
        }

        return run;
    }

    TrainingLog ITrainings.Train(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask,
        params TrainingPart[] parts) =>
        Train(model, data, recipe, seed, mask, parts);

    /// <summary>The record of such a training, without its <see cref="RunRecord.Behaviour"/>.</summary>
    /// <inheritdoc cref="Train" path="/param"/>
    public static RunRecord Describe(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask = null,
        params TrainingPart[] parts)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        CultureInfo culture = CultureInfo.CurrentCulture;
        try
        {
            // Parts, schedules and layers of the user's own describe themselves too, with numbers: a hash has no culture.
            CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
            return DescribeInvariantly(model, data, recipe, seed, mask, parts);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    private static RunRecord DescribeInvariantly(
        nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask, TrainingPart[] parts)
    {
        SortedDictionary<string, string> more = new(Completed(model, parts, recipe, mask).Where(p => p.Small(1) is not null || p is CheckpointProbe)
            .ToDictionary(p => p.Name, p => p.Describe()), StringComparer.Ordinal);
        if (mask?.Describe(model) is { } schedule)
        {
            more["mask schedule"] = schedule;
        }

        string[] frozen = [.. model.named_parameters().Where(p => !p.parameter.requires_grad).Select(p => p.name)];
        if (frozen.Length > 0)
        {
            more["not trained"] = string.Join(", ", frozen);
        }

        return new RunRecord
        {
            Model = NameOf(model),
            StartHash = ContentHash.Of(model.state_dict()),
            Data = data.ToString(),
            DataHash = data.Hash,
            MaskHash = mask is null ? null : ContentHash.Of(mask.Start(model)),
            Recipe = recipe,
            Seed = seed,
            More = more,
        };
    }

    private static TrainingPart[] Completed(nn.Module model, TrainingPart[] parts, Recipe recipe, MaskSchedule? mask) =>
    [
        .. parts,
        .. parts.OfType<LossProbe>().Any() ? [] : (TrainingPart[])[Probe.Loss()],
        .. SparseTraining.Suits(model, mask, recipe, parts) ? (TrainingPart[])[new SparseTraining()] : [],
    ];

    /// <summary>The types of all modules and the number of parameters, shortly.</summary>
    private static string NameOf(nn.Module model)
    {
        string[] layers = [.. model.named_modules().Select(m => m.module).Where(m => m != model).Select(m => m.GetType().Name)];
        return $"{model.GetName()} ({string.Join(", ", layers)}; {model.parameters().Sum(p => p.numel())} parameters)";
    }
}
