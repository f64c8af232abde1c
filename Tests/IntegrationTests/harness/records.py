# SPDX-License-Identifier: Apache-2.0
"""A TLS client whose records and segments the test controls: libssl works on memory, not on the socket."""

import ctypes
import ctypes.util
import socket

from .wire import TIMEOUT, Connection

SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]

_ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
_pointer, _int, _long, _size, _text = (
    ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_size_t, ctypes.c_char_p)


def _function(library, name: str, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


_method = _function(_ssl, "TLS_client_method", _pointer)
_new_context = _function(_ssl, "SSL_CTX_new", _pointer, _pointer)
_free_context = _function(_ssl, "SSL_CTX_free", None, _pointer)
_control_context = _function(_ssl, "SSL_CTX_ctrl", _long, _pointer, _int, _long, _pointer)
_set_suites = _function(_ssl, "SSL_CTX_set_ciphersuites", _int, _pointer, _text)
_set_protocols = _function(_ssl, "SSL_CTX_set_alpn_protos", _int, _pointer, _text, ctypes.c_uint)
_set_fragment = _function(_ssl, "SSL_CTX_set_tlsext_max_fragment_length", _int, _pointer, ctypes.c_uint8)
_set_groups = _function(_ssl, "SSL_CTX_ctrl", _long, _pointer, _int, _long, _text)
_new = _function(_ssl, "SSL_new", _pointer, _pointer)
_free = _function(_ssl, "SSL_free", None, _pointer)
_control = _function(_ssl, "SSL_ctrl", _long, _pointer, _int, _long, _pointer)
_set_bio = _function(_ssl, "SSL_set_bio", None, _pointer, _pointer, _pointer)
_connect_state = _function(_ssl, "SSL_set_connect_state", None, _pointer)
_do_handshake = _function(_ssl, "SSL_do_handshake", _int, _pointer)
_get_error = _function(_ssl, "SSL_get_error", _int, _pointer, _int)
_write = _function(_ssl, "SSL_write_ex", _int, _pointer, _text, _size, ctypes.POINTER(_size))
_read = _function(_ssl, "SSL_read_ex", _int, _pointer, _pointer, _size, ctypes.POINTER(_size))
_shutdown = _function(_ssl, "SSL_shutdown", _int, _pointer)
_key_update = _function(_ssl, "SSL_key_update", _int, _pointer, _int)
_cipher = _function(_ssl, "SSL_get_current_cipher", _pointer, _pointer)
_cipher_name = _function(_ssl, "SSL_CIPHER_get_name", _text, _pointer)
_get_session = _function(_ssl, "SSL_get1_session", _pointer, _pointer)
_set_session = _function(_ssl, "SSL_set_session", _int, _pointer, _pointer)
_free_session = _function(_ssl, "SSL_SESSION_free", None, _pointer)
_is_reused = _function(_ssl, "SSL_session_reused", _int, _pointer)
_memory = _function(_crypto, "BIO_s_mem", _pointer)
_new_bio = _function(_crypto, "BIO_new", _pointer, _pointer)
_bio_write = _function(_crypto, "BIO_write", _int, _pointer, _text, _int)
_bio_read = _function(_crypto, "BIO_read", _int, _pointer, _pointer, _int)
_bio_control = _function(_crypto, "BIO_ctrl", _size, _pointer, _int, _long, _pointer)
_take_error = _function(_crypto, "ERR_get_error", ctypes.c_ulong)
_clear_errors = _function(_crypto, "ERR_clear_error", None)
_error_text = _function(_crypto, "ERR_reason_error_string", _text, ctypes.c_ulong)

_MINIMUM, _MAXIMUM, _GROUPS, _SEND_FRAGMENT, _PENDING = 123, 124, 92, 52, 10
_WANT_READ, _ZERO_RETURN = 2, 6


class Refused(Exception):
    """libssl's error message for a failed connection."""


class RecordSocket:
    """Like a socket of `ssl`. Sealed data is kept while `holds` is true, and is sent in the pieces that `cut` returns."""

    def __init__(self, port: int, suite: str = None, version: int = 0x304, protocols=(), receive_buffer: int = 0,
                 cut=lambda data: [data], fragment: int = 0, groups: str = None, session=None, timeout: float = TIMEOUT):
        self.context = _new_context(_method())
        _control_context(self.context, _MINIMUM, version, None)
        _control_context(self.context, _MAXIMUM, version, None)
        if suite:
            assert _set_suites(self.context, suite.encode()) == 1
        if groups:
            assert _set_groups(self.context, _GROUPS, 0, groups.encode()) == 1
        if fragment:  # RFC 6066 §4: 1 is 512 bytes
            assert _set_fragment(self.context, fragment) == 1
        offer = b"".join(bytes([len(name)]) + name.encode() for name in protocols)
        if offer:
            _set_protocols(self.context, offer, len(offer))
        self.ssl, self.incoming, self.outgoing = _new(self.context), _new_bio(_memory()), _new_bio(_memory())
        _set_bio(self.ssl, self.incoming, self.outgoing)
        _connect_state(self.ssl)
        if session:
            assert _set_session(self.ssl, session) == 1
        self.port = port
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.cut = cut
        self.holds = False
        self.received = 0
        self.most = lambda: 65536  # the limit of one recv() from the socket
        self.end = None  # how the gate ended it: "close_notify" or "eof"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getattr__(self, name):
        return getattr(self.socket, name)

    def handshake(self, sends_finished: bool = True):
        """Without `sends_finished` the client's last message is kept, and sent together with the next data."""
        while (result := _do_handshake(self.ssl)) != 1:
            self._failed_unless_wanting(result)
            self.flush()
            self._receive()
        if sends_finished:
            self.flush()
        return self

    @property
    def suite(self) -> str:
        return _cipher_name(_cipher(self.ssl)).decode()

    @property
    def is_resumed(self) -> bool:
        return _is_reused(self.ssl) == 1

    def session(self):
        return _get_session(self.ssl)

    # Sending.

    def sealed(self) -> bytes:
        """Removes and returns the data that is sealed but not sent."""
        count = _bio_control(self.outgoing, _PENDING, 0, None)
        target = ctypes.create_string_buffer(max(1, count))
        taken = _bio_read(self.outgoing, target, count) if count else 0
        return target.raw[:taken]

    def seal(self, data: bytes, piece: int = 1 << 30):
        """Seals data in records of at most `piece` bytes."""
        count = _size()
        for start in range(0, len(data), piece):
            part = bytes(data[start:start + piece])
            _clear_errors()
            if _write(self.ssl, part, len(part), ctypes.byref(count)) != 1:
                self._fail()

    def update_key(self, asks: bool = True):
        """Changes the client's key; with `asks` requests that the gate changes its own."""
        assert _key_update(self.ssl, 1 if asks else 0) == 1
        _clear_errors()
        _do_handshake(self.ssl)

    def notify_end(self):
        _clear_errors()
        _shutdown(self.ssl)

    def flush(self):
        if self.holds:
            return
        data = self.sealed()
        for piece in self.cut(data) if data else ():
            self.socket.sendall(piece)

    def sendall(self, data: bytes):
        self.seal(data)
        self.flush()

    # Receiving.

    def recv(self, most: int) -> bytes:
        target, count = ctypes.create_string_buffer(most), _size()
        while True:
            _clear_errors()
            result = _read(self.ssl, target, most, ctypes.byref(count))
            if result == 1:
                return target.raw[:count.value]
            if _get_error(self.ssl, result) == _ZERO_RETURN:
                self.end = "close_notify"
                return b""
            self._failed_unless_wanting(result)
            self.flush()
            if not self._receive():
                self.end = "eof"
                return b""

    def _receive(self) -> bool:
        data = self.socket.recv(self.most())
        self.received += len(data)
        if data:
            assert _bio_write(self.incoming, data, len(data)) == len(data)
        elif not _do_handshake(self.ssl) == 1:
            raise ConnectionResetError("closed in the handshake")
        return bool(data)

    def _failed_unless_wanting(self, result: int):
        if _get_error(self.ssl, result) != _WANT_READ:
            self._fail()

    def _fail(self):
        raise Refused((_error_text(_take_error()) or b"closed").decode())

    def close(self):
        if self.ssl:
            _free(self.ssl)
            _free_context(self.context)
            self.ssl = None
        self.socket.close()


class RecordConnection(Connection):
    """HTTP/1.1 over a RecordSocket."""

    def __init__(self, made: RecordSocket):
        self.socket = made
        self.authority = f"localhost:{made.port}"
        self.buffer = bytearray()
