namespace Workbook;

/// <summary>From where the network that is left is trained again after a pruning.</summary>
public sealed record Rewind
{
    private Rewind(string name) => Name = name;

    /// <summary>What it is called.</summary>
    public string Name { get; }

    /// <summary>The step whose weights come back; null: the trained weights stay.</summary>
    public long? WeightsOf { get; private init; }

    /// <summary>The recipe of the trainings after a pruning; null: that of the first training.</summary>
    internal Recipe? Recipe { get; private init; }

    /// <summary>The weights of before the first training (Frankle and Carbin 2019).</summary>
    public static Rewind ToInitialization { get; } = new("rewound to initialization") { WeightsOf = 0 };

    /// <summary>The weights after some steps of the first training, and the learning rates and batches that follow (late rewinding, Frankle et al.
    /// 2020).</summary>
    /// <param name="step">The step, from 0.</param>
    /// <exception cref="WorkbookException">The step is below 0.</exception>
    public static Rewind ToStep(long step) => step < 0 ? throw new WorkbookException($"a network is rewound to a step from 0, not {step}")
        : step == 0 ? ToInitialization : new($"rewound to step {step}") { WeightsOf = step };

    /// <summary>The trained weights stay, the learning rates are gone through again (Renda et al. 2020).</summary>
    public static Rewind LearningRate { get; } = new("learning rate rewound");

    /// <summary>The trained weights stay and are trained on.</summary>
    /// <param name="recipe">How: usually the last learning rate, kept (Renda et al. 2020).</param>
    public static Rewind FineTune(Recipe recipe) => new("fine-tuned") { Recipe = recipe };

    internal Recipe After(Recipe first) => Recipe ?? first with { FirstStep = WeightsOf ?? 0 };
}
