using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Workbook.Tests;

/// <summary>A mirror on the loopback interface that behaves as badly as it is told to.</summary>
internal sealed class Mirror : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();

    /// <param name="answer">File name, first byte asked for (0 where none), connection.</param>
    public Mirror(Func<string, long, Stream, Task> answer)
    {
        _listener.Start();
        _ = Task.Run(async () =>
        {
            while (!_end.IsCancellationRequested)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                _ = Task.Run(() => ServeAsync(client, answer));
            }
        });
    }

    public Uri Uri => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>What was asked for: name, first byte.</summary>
    public ConcurrentQueue<(string Name, long From)> Requests { get; } = [];

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _end.Dispose();
    }

    public static Mirror Good(SmallSet set) => new((name, from, stream) => SendAsync(set, name, from, stream));

    /// <summary>Accepts connections and says nothing.</summary>
    public static Mirror Silent() => new((_, _, _) => Task.Delay(TimeSpan.FromSeconds(30)));

    public static Task SendAsync(SmallSet set, string name, long from, Stream stream)
    {
        byte[] all = SmallSet.Gzip(set.Contents[Path.GetFileNameWithoutExtension(name)]);
        string range = $"Content-Range: bytes {from}-{all.Length - 1}/{all.Length}\r\n";
        return from > 0
            ? RespondAsync(stream, "206 Partial Content", all[(int)from..], extra: range)
            : RespondAsync(stream, "200 OK", all);
    }

    public static async Task RespondAsync(Stream stream, string status, byte[] body, int? claim = null, string extra = "")
    {
        string head = $"HTTP/1.1 {status}\r\nContent-Length: {claim ?? body.Length}\r\nConnection: close\r\n{extra}\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
        await stream.WriteAsync(body);
        await stream.FlushAsync();
    }

    private async Task ServeAsync(TcpClient client, Func<string, long, Stream, Task> answer)
    {
        using (client)
        {
            NetworkStream stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
            string name = (await reader.ReadLineAsync())!.Split(' ')[1].TrimStart('/');
            long from = 0;
            while (await reader.ReadLineAsync() is { Length: > 0 } line)
            {
                if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                {
                    from = long.Parse(line["Range: bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
                }
            }

            Requests.Enqueue((name, from));
            await answer(name, from, stream);
        }
    }
}
