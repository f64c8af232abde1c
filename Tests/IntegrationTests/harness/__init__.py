# SPDX-License-Identifier: Apache-2.0
"""Parts of the black-box tests: the gate as a real process, real and scripted peers, raw sockets."""
