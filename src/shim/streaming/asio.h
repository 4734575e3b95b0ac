#pragma once

// The one door to Boost.Asio and Beast: 1.74 does not compile under C++20 unless <utility> comes
// first (std::exchange).
//
// Of coroutines g++ 12 compiles only the plain ones right: `co_await` stands alone or initializes a
// variable, never within a larger expression or a condition, and gets no temporaries with
// destructors, which it would destroy twice.
#include <utility>
//
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>
