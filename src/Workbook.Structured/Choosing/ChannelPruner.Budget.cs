namespace Workbook;

/// <content>As many channels as a number of multiplications asks for.</content>
public sealed partial record ChannelPruner
{
    private const double Resolution = 1e-9;

    /// <summary>
    /// Chooses the channels that go by what is left to compute: bisection finds the smallest ratio that leaves no more multiplications than the budget.
    /// Where it takes a channel of several groups at once, those stay that the budget has room for, the dearest first.
    /// </summary>
    /// <param name="graph">The traced model; it takes one tensor.</param>
    /// <param name="macs">Multiply-accumulates for one example that may be left, as <see cref="ModelCount.Macs"/> counts them; half of them for
    /// <c>ModelCount.Of(model, example).Macs / 2</c>.</param>
    /// <returns>As <see cref="Prune"/>; nothing goes where the model is in the budget already.</returns>
    /// <exception cref="WorkbookException">Pruned as far as it goes the model has more multiplications, or they can't be counted; otherwise as
    /// <see cref="Prune"/>.</exception>
    public Mask PruneToMacs(ChannelGraph graph, long macs)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Ranking[] rankings = Rank(graph);
        MacsLeft left = new(graph);
        HashSet<ChannelUnit> over = [];
        if (left.Without(over) <= macs)
        {
            return graph.MaskOf(over);
        }

        HashSet<ChannelUnit> gone = Gone(1);
        if (left.Without(gone) is var least && least > macs)
        {
            throw new WorkbookException(FormattableString.Invariant(
                $"no more than {macs} multiplications can't be had: of {left.Without(over)} at least {least} stay, whatever channels go"));
        }

        for (double low = 0, high = 1; high - low > Resolution;)
        {
            double middle = (low + high) / 2;
            HashSet<ChannelUnit> some = Gone(middle);
            (low, high, over, gone) = left.Without(some) > macs ? (middle, high, some, gone) : (low, middle, over, some);
        }

        ChannelUnit[][] steps = [.. graph.Groups.Select(g => g.Units.Where(u => gone.Contains(u) && !over.Contains(u)).ToArray()).Where(s => s.Length > 0)
            .OrderByDescending(step => left.Without([.. gone.Except(step)]))];
        foreach (ChannelUnit[] step in steps)
        {
            gone.ExceptWith(step);
            if (left.Without(gone) > macs)
            {
                gone.UnionWith(step);
            }
        }

        return graph.MaskOf(gone);

        HashSet<ChannelUnit> Gone(double ratio) => [.. rankings.SelectMany(r => r.Choose(Math.Clamp(r.Wanted(ratio), 0, 1)))];
    }
}
