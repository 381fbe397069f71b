"""The pipeline on small notebooks: what is run, kept, recorded and refused."""


def test_all_stages_run_in_one_new_run(project):
    record = project.run()
    print(project.printed)
    assert record.status == "done"
