namespace Workbook;

/// <summary>Sets of integers that merge.</summary>
internal sealed class UnionFind(int count)
{
    private readonly int[] _parent = [.. Enumerable.Range(0, count)];

    internal int Find(int item)
    {
        while (_parent[item] != item)
        {
            item = _parent[item] = _parent[_parent[item]];
        }

        return item;
    }

    internal void Union(int one, int other) => _parent[Find(other)] = Find(one);
}
