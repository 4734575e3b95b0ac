#pragma once

// The one door to Boost.Asio and Beast: 1.74 does not compile under C++20 unless <utility> comes
// first (std::exchange).
#include <utility>
//
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
