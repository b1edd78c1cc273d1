using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What a model scores on a data set.</summary>
/// <param name="Loss">Mean cross-entropy, in nats.</param>
/// <param name="Accuracy">Fraction classified right, 0 to 1.</param>
public readonly record struct Score(double Loss, double Accuracy)
{
    /// <summary>The accuracy in %.</summary>
    public double Percent => 100 * Accuracy;
}

/// <summary>Trains and scores classifiers.</summary>
public static class Trainer
{
    /// <summary>As the other overload, for a training that only a loop of one's own looks on.</summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="data">The training set.</param>
    /// <param name="recipe">Optimizer, epochs, rates.</param>
    /// <param name="seed">Determines the order of the examples.</param>
    /// <param name="mask">As there.</param>
    /// <param name="afterStep">Called after each step with its number, from 1, and its loss.</param>
    /// <param name="onChange">Called twice at each change of the mask: see <see cref="MaskChange.IsDone"/>.</param>
    /// <returns>What is left at the end; null for all of it.</returns>
    /// <exception cref="WorkbookException">As the other overload.</exception>
    public static Mask? Train(
        nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed,
        MaskSchedule? mask = null, Action<long, double>? afterStep = null, Action<MaskChange>? onChange = null) =>
        Train(model, data, recipe, seed, mask, afterStep is null && onChange is null ? [] : [new Callbacks(afterStep, onChange)]).LoadMask();

    /// <summary>
    /// Trains a model in place by cross-entropy; the pruned weights of a mask are exactly 0 after every step. Afterwards the
    /// model is in evaluation mode; where the training fails, in the mode that it had.
    /// </summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="data">The training set.</param>
    /// <param name="recipe">Optimizer, epochs, rates.</param>
    /// <param name="seed">Determines the order of the examples.</param>
    /// <param name="mask">What is left of the model: a mask, or a schedule that changes it; null for all of it.</param>
    /// <param name="parts">What goes on beside the steps, e.g. <see cref="Probe.Score"/>.</param>
    /// <returns>What the probes noted, and what is left at the end.</returns>
    /// <exception cref="WorkbookException">
    /// The mask does not fit the model, its schedule or a part does not fit the recipe, two parts share a name, the data set is empty, a batch of one
    /// example leaves a norm without a variance, or the loss, a weight or a buffer is no longer a number.
    /// </exception>
    public static TrainingLog Train(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, int seed, MaskSchedule? mask,
        params TrainingPart[] parts)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(parts);
        Check(model, data, recipe, mask, parts);
        TrainingProgress training = new(model, recipe, mask, parts, recipe.StepsOver(data.Count)) { Data = data };
        (nn.Module, bool)[] modes = ModelGuard.ModesOf(model);
        using IDisposable pause = Kept.Pause();
        try
        {
            Run(training, data, seed);
            RequireSound(model, what => Diverged(data, recipe, $"{what} after its last step"));
            model.eval();
            return training.ToLog();
        }
        catch
        {
            ModelGuard.Restore(modes);
            throw;
        }
    }

    /// <summary>Refuses what no training can have.</summary>
    internal static void Check(nn.Module<Tensor, Tensor> model, LabelledTensors data, Recipe recipe, MaskSchedule? mask, IReadOnlyList<TrainingPart> parts)
    {
        long steps = recipe.StepsOver(data.Count);
        mask?.Check(steps);
        if (parts.GroupBy(p => p.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new WorkbookException($"a training has {twice.Count()} parts that are called '{twice.Key}': give each a name of its own");
        }

        foreach (TrainingPart part in parts)
        {
            part.Check(recipe, steps);
        }

        recipe.RefuseBatchOfOne(model, data);
    }

    private static void RequireSound(nn.Module model, Func<string, WorkbookException> fault)
    {
        if (Numbers.Unsound(model.state_dict()) is { } name)
        {
            throw fault($"'{name}' holds NaN or infinity");
        }
    }

    private static WorkbookException Diverged(LabelledTensors data, Recipe recipe, string what)
    {
        data.RequireFinite(); // otherwise it is not the learning rate's fault
        return new(FormattableString.Invariant($"the training has diverged ({what}): use a lower learning rate than {recipe.LearningRate}"));
    }

    private static void Run(TrainingProgress training, LabelledTensors data, int seed)
    {
        nn.Module<Tensor, Tensor> model = training.Model;
        BoundMask? bound = training.Mask?.Bind(model);
        try
        {
            RequireSound(model, what => new($"{what} before the training's first step: start from another model"));
            model.train();
            training.ForAll(part => part.Begin(training));
            Mask? held = training.Held;
            training.ForAll(part => part.Prepare(training));
            if (training.Held != held)
            {
                bound?.Dispose();
                bound = training.Held?.Bind(model);
            }

            model.train();
            Descend(data, training.Recipe, model.parameters(), seed,
                (inputs, labels) => training.Backward?.Invoke(inputs, labels) ?? Backward(model, inputs, labels),
                optimizer =>
                {
                    training.ForAll(part => part.BeforeStep(training));
                    if (bound is null)
                    {
                        optimizer.step();
                    }
                    else
                    {
                        bound.Step(optimizer);
                    }
                }, loss =>
                {
                    training.Done(loss);
                    training.ForAll(part => part.AfterStep(training));
                },
                training.Schedule is null or Mask ? null : (inputs, labels, moment, optimizer) =>
                    MaskChanges.Before(training, ref bound, inputs, labels, moment, optimizer),
                [.. Prunable.Weights(model).Select(w => w.Weight), .. model.modules().OfType<ICompressedLayer>().Select(layer => layer.Values)]);
        }
        finally
        {
            bound?.Dispose();
            foreach (TrainingPart part in training.Parts.Reverse())
            {
                part.End(training);
            }
        }
    }

    /// <summary>Sets the gradients of a model, replacing those that it has.</summary>
    /// <returns>The loss.</returns>
    internal static Tensor Backward(nn.Module<Tensor, Tensor> model, Tensor inputs, Tensor labels)
    {
        model.zero_grad(); // The optimizer's own fills the gradients with zeros, to which the backward pass then adds.
        Tensor loss = nn.functional.cross_entropy(model.forward(inputs), labels);
        loss.backward();
        return loss;
    }

    /// <summary>The loop of every training: batches, learning rates, steps.</summary>
    /// <param name="data">The training set.</param>
    /// <param name="recipe">Optimizer, epochs, rates.</param>
    /// <param name="parameters">What is trained.</param>
    /// <param name="seed">Determines the order of the examples.</param>
    /// <param name="backward">(inputs, labels) → the loss; sets the gradients.</param>
    /// <param name="advance">Makes the optimizer's step.</param>
    /// <param name="afterStep">Called after each step with its loss, a scalar that lives until the next.</param>
    /// <param name="beforeStep">Called before each step with its batch.</param>
    /// <param name="kernels">As for <see cref="Recipe.Build"/>.</param>
    internal static void Descend(
        LabelledTensors data, Recipe recipe, IEnumerable<TorchSharp.Modules.Parameter> parameters, int seed,
        Func<Tensor, Tensor, Tensor> backward, Action<optim.Optimizer> advance, Action<Tensor>? afterStep = null,
        Action<Tensor, Tensor, TrainingMoment, optim.Optimizer>? beforeStep = null, IReadOnlyCollection<TorchSharp.Modules.Parameter>? kernels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using optim.Optimizer optimizer = recipe.Build(parameters, kernels ?? []);
        long step = recipe.FirstStep, steps = recipe.StepsOver(data.Count);
        foreach ((Tensor inputs, Tensor labels) in Batches(data, recipe.BatchSize, seed, step).TakeWhile(_ => step < steps))
        {
            foreach (optim.ILearningRateController group in optimizer.ParamGroups)
            {
                group.LearningRate = recipe.RateAt(step, steps);
            }

            beforeStep?.Invoke(inputs, labels, new(step, steps, recipe.RateAt(step, steps) / recipe.LearningRate), optimizer);
            Tensor loss = backward(inputs, labels);
            advance(optimizer);
            step++;
            afterStep?.Invoke(loss);
            if (step == steps && loss.Value() is var last && !double.IsFinite(last))
            {
                throw Diverged(data, recipe, FormattableString.Invariant($"loss {last} after {steps} steps"));
            }
        }
    }

    /// <summary>Sets the gradients of a model to those of the mean cross-entropy over a batch, e.g. for <see cref="Saliency.GradientTimesWeight"/>.</summary>
    /// <param name="model">Inputs → logits [batch, classes]; gradients that it has are replaced.</param>
    /// <param name="batch">The examples, all at once.</param>
    /// <returns>The loss, in nats.</returns>
    public static double Backward(nn.Module<Tensor, Tensor> model, LabelledTensors batch)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        using DisposeScope scope = NewDisposeScope();
        if (batch.Count == 1 && model.training)
        {
            BatchOfOne.Refuse(model, batch, "a gradient is taken on one example");
        }

        return Backward(model, batch.Inputs.clone(), batch.Labels).Value();
    }

    /// <summary>Scores a model, in evaluation mode, without gradients; its mode is put back. All labels of an example count alike.</summary>
    /// <param name="model">Inputs → logits [batch, classes].</param>
    /// <param name="data">The examples to score on.</param>
    /// <param name="batchSize">Examples at a time: bounds the memory, does not change the score.</param>
    /// <returns>Loss and accuracy over all examples; not numbers where there are none.</returns>
    /// <exception cref="WorkbookException">The batch size is below 1.</exception>
    public static Score Evaluate(nn.Module<Tensor, Tensor> model, LabelledTensors data, int batchSize = 1000)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        if (batchSize < 1)
        {
            throw new WorkbookException($"a model is scored on 1 or more examples at a time, not {batchSize}");
        }

        double[] score = Kept.Numbers("score", [model, data, batchSize], () => Measure(model, data, batchSize));
        return new Score(score[0], score[1]);
    }

    private static double[] Measure(nn.Module<Tensor, Tensor> model, LabelledTensors data, int batchSize)
    {
        using IDisposable noGrad = no_grad();
        using ModelGuard guard = new(model, training: false);
        (double loss, long right) = (0, 0);
        for (long start = 0; start < data.Count; start += batchSize)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(batchSize, data.Count - start);
            Tensor labels = data.Labels.narrow(0, start, count);
            Tensor logits = model.Answer(data.Inputs.narrow(0, start, count)).AtLeastSingle();
            loss += nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.Sum).Value();
            right += logits.argmax(1).eq(labels).sum().item<long>();
        }

        return [loss / data.Labels.numel(), (double)right / data.Labels.numel()];
    }

    /// <summary>Batches without end, the examples in a new order each epoch; the tensors live until the next batch.</summary>
    private static IEnumerable<(Tensor Inputs, Tensor Labels)> Batches(LabelledTensors data, int batchSize, int seed, long skipped)
    {
        if (data.Count == 0)
        {
            throw new WorkbookException("the training set is empty");
        }

        using Generator generator = RandomStream.Of(seed, "order");
        while (true)
        {
            using Tensor order = randperm(data.Count, ScalarType.Int64, generator: generator).DetachFromDisposeScope();
            for (long start = 0; start < data.Count; start += batchSize)
            {
                if (skipped-- > 0)
                {
                    continue;
                }

                using DisposeScope scope = NewDisposeScope();
                Tensor chosen = order.narrow(0, start, Math.Min(batchSize, data.Count - start));
                yield return (data.Inputs.index_select(0, chosen), data.Labels.index_select(0, chosen));
            }
        }
    }
}
