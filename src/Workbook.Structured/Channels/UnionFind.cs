namespace Workbook;

/// <summary>Sets of integers that merge.</summary>
internal sealed class UnionFind
{
    private readonly int[] _parent;

    internal UnionFind(int count) => _parent = [.. Enumerable.Range(0, count)];

    private UnionFind(int[] parent) => _parent = parent;

    internal UnionFind Copy() => new([.. _parent]);

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
