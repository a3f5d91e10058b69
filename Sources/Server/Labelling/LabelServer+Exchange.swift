import Foundation
import HTTPTypes
import Hummingbird
import LabelStore

// Labels come and go as files.
extension LabelServer {
  func exchangePage(_ visit: Visit) throws -> Response {
    Page.exchange(task: visit.task, annotator: visit.annotator, said: nil, fault: nil).response
  }

  func export(_ visit: Visit) throws -> Response {
    guard let format = visit.format.flatMap(LabelFormat.init) else {
      throw LabelStoreError.unknown(what: "form of files", name: visit.format ?? "")
    }
    var headers = HTTPFields()
    headers[.contentDisposition] = "attachment; filename=\"\(format.fileName)\""
    return .bytes(try desk.store.exported(as: format), type: format.mediaType, headers: headers)
  }

  func importFile(_ request: Request, _ context: ServerContext) async throws -> Response {
    let visit = try visit(request, context)
    let annotator = try visit.person
    return try await listener.withBody(of: request, context) { bytes in
      let fields = try multipart(bytes, request)
      return try await desk.onPool {
        guard let file = fields.first(where: { $0.name == "file" }), let name = file.fileName, !file.content.isEmpty
        else {
          throw APIError.invalid("choose a file first", parameter: "file")
        }
        func answer(said: String?, fault: String?) -> Response {
          Page.exchange(task: visit.task, annotator: annotator, said: said, fault: fault).response
        }
        do throws(LabelStoreError) {
          let added = try desk.store.importLabels(Data(file.content), named: name, annotator: annotator)
          try desk.store.completeQueues()
          let said = "\(added.labels) labels and \(added.memes) memes were added; \(added.known) were known already."
          let rest = added.warnings.count > 3 ? ["and \(added.warnings.count - 3) more"] : []
          return answer(said: ([said] + added.warnings.prefix(3) + rest).joined(separator: "\n"), fault: nil)
        } catch {
          return answer(said: nil, fault: "\(error)")
        }
      }
    }
  }

  func multipart(_ bytes: [UInt8], _ request: Request) throws -> [FormField] {
    let type = try HeaderValue(request.headers[.contentType] ?? "")
    guard type.value == "multipart/form-data", let boundary = type.parameters["boundary"] else {
      throw RequestBodyContent.unsupported(request.headers[.contentType], expected: "multipart/form-data")
    }
    return try MultipartParser.fields(of: bytes, boundary: boundary, maximumCount: 20)
  }
}
