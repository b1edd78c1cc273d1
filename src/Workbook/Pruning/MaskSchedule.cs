using static TorchSharp.torch;

namespace Workbook;

/// <summary>Where a training is.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Rate">The learning rate of the coming step, as a fraction of the recipe's.</param>
public readonly record struct TrainingMoment(long Step, long Steps, double Rate);

/// <summary>A change of the mask, between two steps of a training.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Before">What was left until now.</param>
/// <param name="After">What is left from now on.</param>
/// <param name="IsDone">Whether the model has it already: each change is told twice, once with the weights of before it and once with those after it.</param>
public sealed record MaskChange(long Step, Mask Before, Mask After, bool IsDone);

/// <summary>
/// A mask that changes while a network is trained: between which steps, and what is left then. A plain value that
/// belongs to no training. A <see cref="Mask"/> is the schedule that never changes.
/// </summary>
public abstract record MaskSchedule
{
    /// <summary>What is left at the start.</summary>
    /// <param name="model">The model that is to be trained; it stays as it is.</param>
    /// <exception cref="WorkbookException">The mask does not fit the model.</exception>
    public abstract Mask Start(nn.Module model);

    /// <summary>Whether the mask changes after so many steps.</summary>
    /// <param name="step">Steps done, from 0.</param>
    public virtual bool ChangesAfter(long step) => false;

    /// <summary>What is left next.</summary>
    /// <param name="model">Its gradients are the dense ones of the coming batch, also those of pruned weights; it stays as it is.</param>
    /// <param name="mask">What is left until now.</param>
    /// <param name="moment">Where the training is.</param>
    /// <exception cref="WorkbookException">As <see cref="Pruner.Prune"/>.</exception>
    public virtual Mask Next(nn.Module model, Mask mask, TrainingMoment moment) => mask;

    /// <summary>Everything that tells this schedule from others but its start, for the record of a stored run; null where there is nothing.</summary>
    /// <param name="model">The model that is to be trained.</param>
    public virtual string? Describe(nn.Module model) => null;

    /// <summary>Refuses numbers that no training can have.</summary>
    /// <param name="steps">Steps of the training.</param>
    /// <exception cref="WorkbookException">A number is out of its range, or a change comes after the training's last step.</exception>
    public virtual void Check(long steps)
    {
    }

    private protected static void CheckEvery(long every)
    {
        if (every < 1)
        {
            throw new WorkbookException($"a mask changes every 1 or more steps, not every {every}");
        }
    }

    private protected static void CheckLast(long last, long steps)
    {
        if (last >= steps)
        {
            throw new WorkbookException($"the mask is to change after step {last}, but the training has only {steps} steps: end the schedule earlier, or "
                + $"train longer");
        }
    }
}
