import HTTP2
