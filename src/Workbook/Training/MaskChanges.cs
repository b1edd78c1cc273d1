using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A schedule at work on the model that is trained.</summary>
internal static class MaskChanges
{
    /// <summary>Changes the mask, if it is to change before this step.</summary>
    internal static void Before(TrainingProgress training, ref BoundMask? bound, Tensor inputs, Tensor labels, TrainingMoment moment, optim.Optimizer optimizer)
    {
        MaskSchedule schedule = training.Schedule!;
        if (!schedule.ChangesAfter(moment.Step))
        {
            return;
        }

        MaskChange change = NextOf(training, schedule, inputs, labels, moment);
        training.ForAll(part => part.OnChange(training, change));
        bound!.Dispose();
        bound = change.After.Bind(training.Model);
        training.Mask = training.Held = change.After;
        Forget(training.Model, optimizer, change);
        training.ForAll(part => part.OnChange(training, change with { IsDone = true }));
    }

    private static MaskChange NextOf(TrainingProgress training, MaskSchedule schedule, Tensor inputs, Tensor labels, TrainingMoment moment)
    {
        // The schedule sees the dense gradients of the coming batch; batch-norm statistics must not.
        using ModelGuard guard = new(training.Model, training: true);
        Trainer.Backward(training.Model, inputs.clone(), labels).Dispose();
        return new(moment.Step, training.Mask!, schedule.Next(training.Model, training.Mask!, moment), IsDone: false);
    }

    /// <summary>Empties what the optimizer remembers of the weights that went or came.</summary>
    private static void Forget(nn.Module model, optim.Optimizer optimizer, MaskChange change)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();

        // The states come in the order of the parameters; of their tensors only the pruned parameters' are of use.
        Dictionary<IntPtr, OptimizerState> states = optimizer.parameters().Zip(((OptimizerHelper)optimizer).state_dict().State)
            .ToDictionary(p => p.First.Handle, p => p.Second);
        foreach ((string name, Parameter parameter, Tensor after) in change.After.FitTo(model))
        {
            Tensor left = change.Before.TryGetValue(name, out Tensor? before) ? before.logical_and(after) : after;
            Tensor gone = left.logical_not().to(parameter.device);
            foreach (Tensor? memory in Memories(states[parameter.Handle]))
            {
                memory?.masked_fill_(gone, HeldNumbers.Zero);
            }
        }
    }

    private static Tensor?[] Memories(OptimizerState state) => state switch
    {
        SGD.State sgd => [sgd.momentum_buffer],
        Adam.State adam => [adam.exp_avg, adam.exp_avg_sq, adam.max_exp_avg_sq],
        _ => throw new InvalidOperationException($"no recipe has the optimizer of {state.GetType()}"),
    };
}
