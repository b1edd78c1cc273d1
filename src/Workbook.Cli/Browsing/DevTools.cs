using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Workbook.Cli.Browsing;

/// <summary>The Chrome DevTools protocol over a web socket: commands with their answers, and what the browser reports.</summary>
internal sealed class DevTools : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonObject>> _waiting = [];
    private readonly SemaphoreSlim _sending = new(1);
    private Task _receiving = Task.CompletedTask;
    private int _lastId;
    private string? _lost;

    /// <summary>Called with an event's session, name and parameters, one at a time.</summary>
    public event Action<string, string, JsonObject>? Reported;

    public async Task ConnectAsync(Uri address, CancellationToken cancellation)
    {
        _socket.Options.Proxy = null;
        await _socket.ConnectAsync(address, cancellation).ConfigureAwait(false);
        _receiving = Task.Run(ReceiveAsync, CancellationToken.None);
    }

    /// <summary>Sends a command and waits for its answer.</summary>
    /// <exception cref="WorkbookException">The browser refused it, or has ended.</exception>
    public async Task<JsonObject> SendAsync(string method, JsonObject parameters, string? session, CancellationToken cancellation)
    {
        int id = Interlocked.Increment(ref _lastId);
        TaskCompletionSource<JsonObject> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = answer;
        JsonObject message = new() { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (session is not null)
        {
            message["sessionId"] = session;
        }

        await _sending.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, true, cancellation).ConfigureAwait(false);
        }
        catch (WebSocketException e)
        {
            throw new WorkbookException($"the browser has ended ({e.Message})", e);
        }
        finally
        {
            _sending.Release();
        }

        if (Volatile.Read(ref _lost) is { } why)
        {
            throw new WorkbookException($"the browser has ended ({why})");
        }

        JsonObject result = await answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
        return result["error"] is JsonNode error
            ? throw new WorkbookException($"the browser refused {method}: {error["message"]}")
            : result["result"]!.AsObject();
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _receiving.ConfigureAwait(false);
        _socket.Dispose();
        _sending.Dispose();
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[1 << 16];
        using MemoryStream message = new();
        string why = "it closed the connection";
        try
        {
            while (_socket.State == WebSocketState.Open)
            {
                ValueWebSocketReceiveResult part = await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).ConfigureAwait(false);
                message.Write(buffer, 0, part.Count);
                if (part.EndOfMessage && message.Length > 0)
                {
                    Receive(JsonNode.Parse(message.GetBuffer().AsSpan(0, (int)message.Length))!.AsObject());
                    message.SetLength(0);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            why = e.Message;
        }

        Volatile.Write(ref _lost, why);
        foreach (TaskCompletionSource<JsonObject> waiting in _waiting.Values)
        {
            waiting.TrySetException(new WorkbookException($"the browser has ended ({why})"));
        }
    }

    private void Receive(JsonObject message)
    {
        if (message["id"] is JsonNode id)
        {
            if (_waiting.TryRemove(id.GetValue<int>(), out TaskCompletionSource<JsonObject>? answer))
            {
                answer.TrySetResult(message);
            }
        }
        else if (message["method"] is JsonNode method)
        {
            Reported?.Invoke(message["sessionId"]?.ToString() ?? "", method.ToString(), message["params"] as JsonObject ?? []);
        }
    }
}
