#pragma once
// Streams, events and graphs as unique_ptrs with stateless deleters.

#include <cuda_runtime_api.h>

#include <memory>
#include <type_traits>

#include "kernels/device/device.cuh"

namespace assay::kernels {

struct StreamDestroy {
  void operator()(cudaStream_t stream) const noexcept { cudaStreamDestroy(stream); }
};
struct EventDestroy {
  void operator()(cudaEvent_t event) const noexcept { cudaEventDestroy(event); }
};
struct GraphDestroy {
  void operator()(cudaGraph_t graph) const noexcept { cudaGraphDestroy(graph); }
};
struct GraphExecDestroy {
  void operator()(cudaGraphExec_t graph) const noexcept { cudaGraphExecDestroy(graph); }
};

using Stream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, StreamDestroy>;
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, EventDestroy>;
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, GraphDestroy>;
using GraphExec = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, GraphExecDestroy>;

/// A stream that does not wait for the default one.
Result<Stream> create_stream();
/// An event that records time.
Result<Event> create_event();
/// Milliseconds between two recorded events; waits for the second.
Result<float> elapsed_ms(const Event& from, const Event& to);

/// Captures what `launches` (a callable that returns Result<>) puts on the stream as a graph ready to replay.
template <class Launches>
Result<GraphExec> capture_graph(const Stream& stream, Launches&& launches) {
  ASSAY_TRY(check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "graph capture"));
  const Result<> launched = launches();
  cudaGraph_t captured = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream.get(), &captured);
  const Graph graph(captured);
  if (!launched) return launched.error();
  ASSAY_TRY(check(ended, "graph capture"));
  cudaGraphExec_t executable = nullptr;
  ASSAY_TRY(check(cudaGraphInstantiate(&executable, graph.get(), 0), "graph"));
  return GraphExec(executable);
}

}  // namespace assay::kernels
