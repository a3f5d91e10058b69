/// MultiOFF (Suryawanshi et al., 2020): `Training_meme_dataset.csv`, `Validation_meme_dataset.csv` and
/// `Testing_meme_dataset.csv` with `image_name`, `sentence`, `label`, at the top or in `Split Dataset/`; images in
/// `Labelled Images/`. Labels are `offensive` and, as published, `Non-offensiv`.
enum MultiOFFReader: DatasetReader {
  static let format = DatasetFormat.multioff
  static let layout = "Training_meme_dataset.csv and its like with image_name, sentence, label; Labelled Images/"

  private static func files(_ folder: DatasetFolder) throws(DatasetError) -> [AnnotationsFile] {
    try folder.splitFiles(
      [
        .train: ["training_meme_dataset"], .validation: ["validation_meme_dataset"], .test: ["testing_meme_dataset"],
      ], ["csv"], in: ["", "Split Dataset"])
  }

  static func recognises(_ folder: DatasetFolder) throws(DatasetError) -> Bool {
    for file in try files(folder) where try folder.fields(of: file.path).isSuperset(of: ["image_name", "sentence"]) {
      return true
    }
    return false
  }

  static func read(_ folder: DatasetFolder) throws(DatasetError) -> DatasetContents {
    var rows = MemeRows(folder)
    for file in try files(folder) {
      try rows.read(file, imageFolders: ["Labelled Images"]) { record throws(RowFault) in
        let name = try record.required("image_name")
        let label = try record.classIndex("label", in: ["non-offensiv", "non-offensive", "offensive"])
        return MemeDraft(
          id: name, image: .file(name), text: try record.text("sentence"),
          labels: label.map { ["offensive": .binary($0 == 2)] } ?? [:])
      }
    }
    return rows.contents(tasks: [LabelTask(name: "offensive", kind: .binary, labels: ["offensive"])])
  }
}
