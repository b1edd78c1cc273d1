using static TorchSharp.torch;

namespace Workbook;

/// <summary>Who trains: a store that does each training once, or <see cref="InMemory"/>.</summary>
public interface ITrainings
{
    /// <summary>As <see cref="Trainer.Train(nn.Module{Tensor, Tensor}, LabelledTensors, Recipe, int, MaskSchedule?, TrainingPart[])"/>; the log has the weights
    /// at the end.</summary>
    TrainingLog Train(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask, params TrainingPart[] parts);

    /// <summary>Trains each time that it is asked, and keeps what was asked for in memory.</summary>
    static ITrainings InMemory { get; } = new Trainings();

    private sealed class Trainings : ITrainings
    {
        public TrainingLog Train(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask,
            params TrainingPart[] parts)
        {
            ArgumentNullException.ThrowIfNull(recipe);
            ArgumentNullException.ThrowIfNull(data);
            long[] steps = [.. parts.OfType<CheckpointProbe>().SelectMany(p => p.Steps), recipe.StepsOver(data.Count)];
            return Trainer.Train(model, data, recipe, seed, mask, [.. parts.Where(p => p is not CheckpointProbe), Probe.Checkpoints(steps)]);
        }
    }
}
