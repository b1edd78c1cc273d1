namespace Workbook;

/// <summary>Units that are ranked against each other.</summary>
/// <param name="Pruner">By which they are.</param>
/// <param name="Graph">To which they belong.</param>
/// <param name="Groups">Whose units they are.</param>
/// <param name="Units">The least worth first.</param>
internal sealed record Ranking(ChannelPruner Pruner, ChannelGraph Graph, IReadOnlyList<ChannelGroup> Groups, IReadOnlyList<ChannelUnit> Units)
{
    /// <summary>The ratio of these units where a ratio is asked for.</summary>
    internal double Wanted(double ratio) => Groups.SelectMany(g => g.Layers).Min(l => Pruner.Scope.SparsityOf(Graph.Layer(l).WeightName, ratio));

    /// <summary>The least worth first, as many as leave every layer its floor and a right multiple.</summary>
    internal List<ChannelUnit> Choose(double ratio)
    {
        Dictionary<string, int> left = Groups.SelectMany(g => g.Layers).ToDictionary(l => l, l => Graph.Layer(l).Outputs);
        List<ChannelUnit> gone = [];
        foreach (ChannelUnit unit in Units)
        {
            if (gone.Count < (int)Math.Round(ratio * Units.Count, MidpointRounding.ToEven) && unit.Outputs.CountBy(o => o.Layer)
                .All(c => left[c.Key] - c.Value >= Pruner.Floor))
            {
                Move(unit, -1);
                gone.Add(unit);
            }
        }

        // The best come back, until the numbers fit.
        for (int last = gone.Count - 1; last >= 0; last--)
        {
            if (gone[last].Outputs.Any(o => left[o.Layer] % Pruner.RoundTo != 0 && left[o.Layer] < Graph.Layer(o.Layer).Outputs))
            {
                Move(gone[last], 1);
                gone.RemoveAt(last);
            }
        }

        return gone;

        void Move(ChannelUnit unit, int by)
        {
            foreach ((string layer, _) in unit.Outputs)
            {
                left[layer] += by;
            }
        }
    }
}
