/// Every method that a recipe can name.
public enum MethodCatalog {
  public static let all: [any Method.Type] = [
    SemiMemes.self,
    CMML.self,
    RawFeatures<Concatenation>.self,
    RawFeatures<ImageOnly>.self,
    RawFeatures<TextOnly>.self,
    LogisticRegression.self,
    HateCLIPper.self,
    SimCLIP.self,
    BertResNet18.self,
    CMMLOrigin.self,
    ViLT.self,
    VisualBERT.self,
    LXMERT.self,
    ExtPIE.self,
    TIBVA.self,
    FineTune.self,
  ]

  /// Names of those that learn several tasks at once, as errors list them.
  public static var learnersOfSeveralTasks: String {
    all.filter { $0.learnsSeveralTasks }.map { $0.name }.joined(separator: ", ")
  }

  /// The method of that name; `nil` where there is none.
  public static func method(named name: String) -> (any Method.Type)? {
    all.first { $0.name == name }
  }
}
