namespace Workbook;

/// <summary>
/// What goes on beside the steps of a training: it looks on and takes notes (a <see cref="Probe{T}"/>), or takes a hand.
/// A plain value that belongs to no training: what it notes is kept by the training's <see cref="TrainingProgress"/>.
/// </summary>
public abstract record TrainingPart
{
    /// <summary>What it is called; no two parts of a training share a name.</summary>
    public abstract string Name { get; }

    /// <summary>Everything that tells this part from others of its name, for the record of a stored run.</summary>
    public abstract string Describe();

    /// <summary>Refuses numbers that no training can have.</summary>
    /// <param name="recipe">How the network is to be trained.</param>
    /// <param name="steps">The steps of the training.</param>
    /// <exception cref="WorkbookException">A number is out of its range.</exception>
    public virtual void Check(Recipe recipe, long steps)
    {
    }

    /// <summary>Before the first step: the model is as it was given, its pruned weights 0.</summary>
    public virtual void Begin(TrainingProgress training)
    {
    }

    /// <summary>After all parts have begun: here a part that takes a hand changes the model.</summary>
    public virtual void Prepare(TrainingProgress training)
    {
    }

    /// <summary>Before each step, when the loss's gradients are there: a part may add to them.</summary>
    public virtual void BeforeStep(TrainingProgress training)
    {
    }

    /// <summary>After each step.</summary>
    public virtual void AfterStep(TrainingProgress training)
    {
    }

    /// <summary>Twice at each change of the mask: see <see cref="MaskChange.IsDone"/>.</summary>
    public virtual void OnChange(TrainingProgress training, MaskChange change)
    {
    }

    /// <summary>When the training ends, also where it fails: puts back what <see cref="Prepare"/> changed.</summary>
    public virtual void End(TrainingProgress training)
    {
    }

    /// <summary>This part for a training of a few examples, by which a store tells what would be computed; null where nothing depends on it.</summary>
    /// <param name="examples">How many examples there are.</param>
    public virtual TrainingPart? Small(long examples) => this;
}

/// <summary>A part to which the layers are one whole, so that they may be exchanged for sparse ones while it looks on.</summary>
public interface IOnlooker;

/// <summary>A part that notes something, which the finished training gives back.</summary>
/// <typeparam name="T">What was noted.</typeparam>
public abstract record Probe<T> : TrainingPart
{
    /// <summary>What this probe noted in a training; <c>run[probe]</c> for those of the library.</summary>
    /// <exception cref="WorkbookException">The training had no such probe.</exception>
    public abstract T Read(TrainingLog log);
}

/// <summary>Something that the result depends on and that no record can see, e.g. the rate of a dropout layer.</summary>
/// <param name="Name">What is said.</param>
/// <param name="Value">The words.</param>
public sealed record Remark(string Name, string Value) : TrainingPart, IOnlooker
{
    /// <inheritdoc/>
    public override string Name { get; } = Name;

    /// <inheritdoc/>
    public override string Describe() => Value;
}
