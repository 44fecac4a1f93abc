// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
public import RDMAReplica

extension MirrorTransport: ExpressibleByArgument {}

/// What both ends of a mirror are told about the way between them.
struct MirrorLinkOptions: ParsableArguments {
    @Option(help: "RDMA, TCP, or RDMA where there is a device and TCP otherwise.")
    var transport = MirrorTransport.auto

    @Option(help: "File of mode 0600 with the key that both sides have; without it anybody may.")
    var keyFile: String?

    func key() throws(MirrorError) -> MirrorKey? {
        guard let keyFile else { return nil }
        return try MirrorKey(file: keyFile)
    }
}
