// SPDX-License-Identifier: Apache-2.0
import Foundation
import Pipeline
import Platform

/// The control socket of a running gateway, with a thread that serves it: docs/formats/control.md.
struct GatewayControl {
    /// What an operator is told of it at the start.
    let lines: [String]
    private let listener: ControlListener?
    private let thread: PinnedThread?

    /// Without a socket when none can be had: the gateway does without it, and says so.
    init(_ configuration: Configuration, _ pipeline: Pipeline, folder: String?) {
        guard let folder else {
            lines = ["note: no folder in memory for a control socket: `cluster` cannot ask"]
            (listener, thread) = (nil, nil)
            return
        }
        do {
            let gateway = "\(IPv4Text.format(configuration.ipv4Address)):\(configuration.udpPort)"
            let listener = try ControlListener(gateway: gateway, folder: folder)
            let answers = ControlAnswers(gateway: gateway, pipeline)
            thread = try PinnedThread(name: "nt-control") {
                listener.serve { answers.answer(to: $0, from: $1) }
            }
            self.listener = listener
            lines = ["control  \(listener.path)"]
        } catch {
            lines = ["note: \(error)"]
            (listener, thread) = (nil, nil)
        }
    }

    /// Ends it, and waits for an answer under way.
    func close() {
        listener?.close()
        thread?.join()
    }
}

/// What is asked of any gateway, and what goes on to its cluster.
private struct ControlAnswers: Sendable {
    private let gateway: String
    private let cluster: ClusterControl?
    private let rules: RulesControl
    private let admin: AdminControl

    init(gateway: String, _ pipeline: Pipeline) {
        rules = pipeline.rules
        admin = pipeline.admin
        self.gateway = gateway
        cluster = pipeline.cluster.map(ClusterControl.init)
    }

    func answer(to line: String, from user: UInt32) -> String {
        let request = ControlRequest(line: line)
        if request.words == "hello" {
            var object = JSONObject()
            object.add("ok", true)
            object.add("gateway", gateway)
            object.add("process", getpid())
            object.add("version", ProjectVersion.text)
            if let cluster { object.add("host", cluster.host) }
            return object.text
        }
        let isAdmin = AdminControl.isMeant(by: request.words)
        guard request.words.hasPrefix("cluster ") || isAdmin else {
            return ClusterControl.refusal(.unknown, "there is no such request")
        }
        let refusal = request.refusal(in: cluster?.name)
        if request.words == "cluster status", let cluster {
            return refusal ?? cluster.answer(to: request.words)
        }
        if AdminControl.isReading(request.words) {
            return refusal ?? admin.answer(to: request.words, by: user)
        }
        StandardError.write("user \(user) asks: \(line)\n")
        let answer = refusal ?? change(request.words, by: user)
        StandardError.write("user \(user) asked: \(line), and is told: \(answer)\n")
        return answer
    }

    private func change(_ request: String, by user: UInt32) -> String {
        let words = request.split(separator: " ")
        if words.count == 3, words[1] == "activate-rules", let version = UInt32(words[2]) {
            return rules.activate(version, by: user)
        }
        if AdminControl.isMeant(by: request) { return admin.answer(to: request, by: user) }
        guard let cluster else {
            return ClusterControl.refusal(
                .state, "this gateway is alone: it has no section `cluster` in its configuration")
        }
        return cluster.answer(to: request)
    }
}
